import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const FIXTURE = fileURLToPath(import.meta.resolve('./bind-mount.ts'))

const home = mkdtempSync(join(tmpdir(), 'sonia-bind-'))
after(() => rmSync(home, { recursive: true }))

test('what is mounted into the sandbox, a folder or a file of the same device, is neither read nor written', () => {
  const namespaces = ['--user', '--map-root-user', '--mount', '--', process.execPath, FIXTURE, home]
  const text = execFileSync('unshare', namespaces, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  assert.deepEqual(JSON.parse(text), {
    plain: 'inside',
    folder: 'SPECIAL_FILE',
    file: 'SPECIAL_FILE',
    write: 'SPECIAL_FILE',
    outside: ['a.txt'],
  })
})
