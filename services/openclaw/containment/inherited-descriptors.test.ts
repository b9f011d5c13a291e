import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'

const PROBE = `
import { readlinkSync } from 'node:fs'
import { closeInheritedDescriptors } from '${import.meta.dirname}/inherited-descriptors.ts'
const open = () => { try { return readlinkSync('/proc/self/fd/77') } catch { return null } }
const before = open()
closeInheritedDescriptors()
process.stdout.write(JSON.stringify([before, open()]))
`

test('a descriptor that the parent left open is closed before any tool runs', () => {
  const script = 'exec 77</dev/null; exec "$0" --input-type=module-typescript -e "$1"'
  const output = execFileSync('bash', ['-c', script, process.execPath, PROBE], { encoding: 'utf8' })
  assert.deepEqual(JSON.parse(output), ['/dev/null', null])
})
