import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeSbom } from './sbom.ts'
import { REPOSITORY } from './testing.ts'

test('one commit has one bill of materials, byte for byte, without time or folder name', async () => {
  const [first, second] = [await makeSbom(REPOSITORY), await makeSbom(REPOSITORY)]
  assert.equal(first, second)
  assert.doesNotMatch(first, /"timestamp"|"serialNumber"/)
})

test('every production dependency of package.json and every native component is in it', async () => {
  const sbom = JSON.parse(await makeSbom(REPOSITORY))
  const names = new Set(sbom.components.map((one: { name: string }) => one.name))
  const { dependencies } = JSON.parse(await readFile(join(REPOSITORY, 'package.json'), 'utf8'))
  for (const name of [...Object.keys(dependencies), 'k6', 'prometheus', 'alertmanager', 'collector'])
    assert.ok(names.has(name), name)
  for (const name of ['knip', 'oxlint', '@sigstore/verify']) assert.ok(!names.has(name), name)
})
