import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { PreflightOptions } from '../options.ts'
import type { Check, Finding } from '../report.ts'
import { applyAllowList, readAllowList, type Rule } from '../secrets/allow-list.ts'
import { findRandomWords } from '../secrets/entropy.ts'
import { findKnownShapes, findOwnSecrets } from '../secrets/known-shapes.ts'
import { filesBelow, historyBlobs, type Source, trackedFiles, trackedPaths } from '../secrets/sources.ts'
import { findSecretLiterals } from '../secrets/structural-rule.ts'

export const ALLOW_LIST = join('ops', 'preflight', 'allow-list.json')

const OWN_SECRET_LENGTH_MIN = 20

/** One check per place where a secret could have been left: configuration, tracked files, logs, bundles, history. */
export function secretChecks(options: PreflightOptions): readonly Check[] {
  const { repo, folders, bundles, history } = options
  const check = (id: string, where: string, sources: () => Promise<Sources | string>): Check => ({
    id: `secrets-${id}`,
    title: `no secret in ${where}`,
    async run() {
      const found = await sources()
      if (typeof found === 'string') return { notApplicable: found }
      return scan(found, options)
    },
  })
  return [
    check('configuration', 'the configuration', async () => ({
      rules: ALL_RULES,
      sources: withoutKeyFiles(filesBelow(folders.config, folders.home)),
    })),
    check('tracked', 'tracked files', async () => {
      const paths = await trackedPaths(repo)
      return paths === undefined
        ? 'this is no git repository'
        : { rules: ALL_RULES, sources: trackedFiles(repo, paths) }
    }),
    check('logs', 'the logs', async () => ({
      rules: SHAPE_RULES,
      sources: filesBelow(folders.logs, folders.home),
    })),
    check('bundles', 'evidence bundles', async () =>
      bundles.length === 0 ? 'no bundle was named' : { rules: SHAPE_RULES, sources: eachBundle(bundles) },
    ),
    check('history', 'any blob of the history', async () => {
      if (!history) return 'asked for by --history and by gate 3'
      if ((await trackedPaths(repo)) === undefined) return 'this is no git repository'
      return { rules: STRICT_RULES, sources: historyBlobs(repo) }
    }),
  ]
}

interface Sources {
  readonly rules: readonly Rule[]
  readonly sources: Iterable<Source> | AsyncIterable<Source>
}

const ALL_RULES: readonly Rule[] = ['structural', 'shape', 'entropy']
/** Logs and evidence are full of identifiers and digests: entropy says nothing there. */
const SHAPE_RULES: readonly Rule[] = ['structural', 'shape']
/** What is in the history stays there; a warning about it helps nobody. */
const STRICT_RULES: readonly Rule[] = ['structural', 'shape']

/** Files that are secrets are not configuration that holds one; their modes are another check's business. */
function* withoutKeyFiles(sources: Iterable<Source>): Generator<Source> {
  for (const source of sources) {
    if (!/\.(?:key|pem|p12|jwk)$/.test(basename(source.path)) && !source.path.startsWith('config/keys/'))
      yield source
  }
}

function* eachBundle(bundles: readonly string[]): Generator<Source> {
  for (const bundle of bundles) yield* filesBelow(bundle, bundle)
}

async function scan({ rules, sources }: Sources, options: PreflightOptions) {
  const own = ownSecrets(options)
  const found: { rule: Rule; finding: Finding }[] = []
  const certain: Finding[] = []
  const paths: string[] = []
  for await (const { path, text } of sources) {
    paths.push(path)
    // Not excusable by any list.
    certain.push(...findOwnSecrets(path, text, own))
    for (const rule of rules) {
      for (const finding of await FINDERS[rule](path, text)) found.push({ rule, finding })
    }
  }
  const allowances = readAllowList(join(options.repo, ALLOW_LIST))
  return {
    looked: `${paths.length} texts`,
    findings: [...certain, ...applyAllowList(found, allowances, { paths, rules })],
  }
}

const FINDERS: Readonly<
  Record<Rule, (path: string, text: string) => Promise<readonly Finding[]> | readonly Finding[]>
> = {
  structural: findSecretLiterals,
  shape: findKnownShapes,
  entropy: findRandomWords,
}

/** The keys of this installation as they are now. */
function ownSecrets({ folders }: PreflightOptions): readonly string[] {
  const secretFolder = join(folders.run, 'secrets')
  const files = [
    join(folders.config, 'operator.key'),
    ...names(secretFolder).map((name) => join(secretFolder, name)),
  ]
  return files.map(readQuietly).filter((secret) => secret.length >= OWN_SECRET_LENGTH_MIN)
}

function names(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function readQuietly(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return ''
  }
}
