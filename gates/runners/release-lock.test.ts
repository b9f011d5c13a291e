import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { parse } from 'yaml'
import { REHEARSAL_CHECKS } from '../release/rehearse-release.ts'

test('the criteria of gate 6 expect every step of the rehearsal, and no other', async () => {
  const text = await readFile(new URL('../criteria/release-lock.yaml', import.meta.url), 'utf8')
  const held = parse(text).criteria.find((one: { id: string }) => one.id === 'release-lock.held')
  assert.deepEqual(held.expect.values, [...REHEARSAL_CHECKS])
})
