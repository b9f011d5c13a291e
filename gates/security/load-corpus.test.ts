import assert from 'node:assert/strict'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type BenignCase, CORPUS_CLASSES, type CorpusCase } from './corpus-case.ts'
import { CORPUS_FOLDER, loadCorpus } from './load-corpus.ts'
import { PROCEDURES } from './procedures/procedures.ts'

async function changed(change: (text: string) => string): Promise<unknown> {
  const folder = await mkdtemp(join(tmpdir(), 'sonia-corpus-'))
  try {
    await cp(CORPUS_FOLDER, folder, { recursive: true })
    const path = join(folder, 'f-links-races.json')
    await writeFile(path, change(await readFile(path, 'utf8')))
    return await loadCorpus(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}

test('a case without an expectation, with an unknown field, or with an id used twice is refused', async () => {
  await assert.rejects(
    changed((text) => text.replace('"expect":', '"expects":')),
    /f-links-races\.json\/attacks\/0/,
  )
  await assert.rejects(
    changed((text) => text.replace('"status": 403', '"status": "403"')),
    /status/,
  )
  await assert.rejects(
    changed((text) => text.replace('"F-002"', '"F-001"')),
    /F-001 is used twice/,
  )
})

test('at least 100 attacks that policy has to refuse, in every class, with benign twins in every class', async () => {
  const corpus = await loadCorpus()
  const attacks = corpus
    .flatMap((file) => file.attacks)
    .filter(({ variants }) => variants.includes('service_token'))
  assert.ok(attacks.length >= 100, `${attacks.length} attacks`)
  assert.deepEqual(
    corpus.map((file) => file.class),
    [...CORPUS_CLASSES],
  )
})

test("the seed's own examples are there, each with a valid service token", async () => {
  const attacks = (await loadCorpus()).flatMap((file): (CorpusCase | BenignCase)[] => [
    ...file.attacks,
    ...file.benign,
  ])
  for (const name of ['3.1 test 1', '3.1 test 2', '3.1 test 3', '3.3 test 1', '3.3 test 2', '3.3 test 3']) {
    const found = attacks.find(({ title }) => title.startsWith(`seed ${name}`))
    assert.ok(found !== undefined, name)
    const variants = 'variants' in found ? found.variants : ['service_token' as const]
    assert.ok(variants.includes('service_token'), name)
  }
})

test('every procedure that a case names exists', async () => {
  const cases = (await loadCorpus()).flatMap((file) => [...file.attacks, ...file.benign])
  for (const { id, request } of cases) {
    if (request.kind === 'procedure') assert.ok(PROCEDURES.has(request.name), `${id}: ${request.name}`)
  }
})
