import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { releaseCommands } from '../commands/release.ts'
import { MACHINE_KEY_FILE, MACHINE_PUBLIC_KEY_FILE } from '../evidence/machine-key.ts'
import { EVIDENCE_NAMESPACE } from '../evidence/trust.ts'
import { POLICY_FILE } from './policy-file.ts'
import { NAMESPACES } from './ssh-signature.ts'

const document = await readFile(new URL('../../docs/release.md', import.meta.url), 'utf8')

test('the document names every file, namespace and exit code as the code does', () => {
  const names = [MACHINE_KEY_FILE, MACHINE_PUBLIC_KEY_FILE, POLICY_FILE, EVIDENCE_NAMESPACE]
  for (const name of [...names, NAMESPACES.signOff, NAMESPACES.policy])
    assert.ok(document.includes(name), name)
  for (const code of ['10 tampered', '11 incomplete', '12 unsigned', '13 stale', '14 another verdict'])
    assert.ok(document.includes(code), code)
})

test('every command that the document shows exists', () => {
  const shown = [...document.matchAll(/\.\/sonia (release [a-z]+)/gu)].map(([, name]) => name ?? '')
  const known = new Set(releaseCommands.map((command) => command.name))
  assert.ok(shown.length > 5)
  for (const name of shown) assert.ok(known.has(name), name)
})
