import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { blankChecklist } from './checklist.ts'

test('the checklist of the repository is the blank one, and approves nothing', async () => {
  const text = await readFile(new URL('../../RELEASE_CHECKLIST.md', import.meta.url), 'utf8')
  assert.equal(text, blankChecklist())
  assert.match(text, /Release approved: \[ \] YES \[x\] NO/)
})
