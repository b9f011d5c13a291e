import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { exitCodeOf, finding, FINDING_EXITS, type FindingCode } from './findings.ts'

const CODES = Object.keys(FINDING_EXITS)

async function sources(keep: (name: string) => boolean): Promise<string> {
  const folders = [new URL('./', import.meta.url), new URL('../release/', import.meta.url)]
  const texts = folders.map(async (folder) => {
    const names = (await readdir(folder)).filter((name) => name.endsWith('.ts') && keep(name))
    return Promise.all(names.map((name) => readFile(new URL(name, folder), 'utf8')))
  })
  return (await Promise.all(texts)).flat().join('\n')
}

test('every objection has a case that provokes it', async () => {
  const cases = await sources((name) => name.endsWith('.test.ts') && name !== 'findings.test.ts')
  for (const code of CODES) assert.ok(cases.includes(`'${code}'`), code)
})

test('every objection is raised somewhere', async () => {
  const code = await sources((name) => !name.endsWith('.test.ts') && name !== 'findings.ts')
  for (const name of CODES) assert.ok(code.includes(`'${name}'`), name)
})

test('the gravest class decides, in whatever order the objections come', () => {
  const of = (...codes: FindingCode[]) => exitCodeOf(codes.map((code) => finding(code, '')))
  assert.equal(of('VERDICT_DIFFERS', 'FILE_MISSING', 'SIGNOFF_STALE'), 11)
  assert.equal(of('SIGNOFF_STALE', 'FILE_CHANGED'), 10)
  assert.equal(of(), 0)
})
