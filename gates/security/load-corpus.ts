import { Ajv2020 } from 'ajv/dist/2020.js'
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Corpus, CorpusFile } from './corpus-case.ts'

export const CORPUS_FOLDER = join(import.meta.dirname, '..', 'corpus')
const SCHEMA_NAME = 'corpus.schema.json'

/** Reads and checks every file of the corpus; throws with all problems at once. */
export async function loadCorpus(folder: string = CORPUS_FOLDER): Promise<Corpus> {
  const validate = new Ajv2020({ allErrors: true, strict: true }).compile<CorpusFile>(
    JSON.parse(await readFile(join(folder, SCHEMA_NAME), 'utf8')) as object,
  )
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json') && name !== SCHEMA_NAME)
  const problems: string[] = []
  const corpus: CorpusFile[] = []
  for (const name of names.toSorted()) {
    const value: unknown = JSON.parse(await readFile(join(folder, name), 'utf8'))
    if (validate(value)) corpus.push(value)
    else
      problems.push(
        ...(validate.errors ?? []).map((error) => `${name}${error.instancePath}: ${error.message ?? ''}`),
      )
  }
  problems.push(...repeatedIds(corpus).map((id) => `${id} is used twice`))
  if (problems.length > 0) throw new Error(`The corpus is not valid:\n${problems.join('\n')}`)
  return corpus
}

function repeatedIds(corpus: Corpus): readonly string[] {
  const ids = corpus.flatMap((file) => [...file.attacks, ...file.benign].map(({ id }) => id))
  return ids.filter((id, at) => ids.indexOf(id) !== at)
}
