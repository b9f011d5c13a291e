import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { OpsError } from '#ops/ops-error.ts'
import { readPlainFile } from '#ops/read-plain-file.ts'
import { CliError, EXIT_CODES } from '../exit-codes.ts'

type Json = Readonly<Record<string, unknown>>

/**
 * Writes the configuration of a run's own state folder: the operator's (or the repository's), plus the one origin that
 * browser.open may load, and other model providers where the gate brings some. The operator's folder is only read.
 */
export async function writeRunConfiguration(options: {
  readonly home: string
  /** First of these folders that has a sonia.json gives it. */
  readonly sources: readonly string[]
  readonly pageUrl: string
  /** Takes the place of `services["model-router"]`. */
  readonly modelRouter?: Json | undefined
  /** On top of `services["eva-os"]`. */
  readonly evaOs?: Json | undefined
}): Promise<void> {
  const base = await readConfigurationSource(options.sources)
  const browser = section(base, 'services', 'openclaw', 'browser')
  const allowed = Array.isArray(browser['allowed_origins']) ? (browser['allowed_origins'] as unknown[]) : []
  const origin = new URL(options.pageUrl).origin
  const configuration = {
    ...base,
    services: {
      ...section(base, 'services'),
      ...(options.modelRouter === undefined ? {} : { 'model-router': options.modelRouter }),
      ...(options.evaOs === undefined
        ? {}
        : { 'eva-os': { ...section(base, 'services', 'eva-os'), ...options.evaOs } }),
      openclaw: {
        ...section(base, 'services', 'openclaw'),
        browser: { ...browser, allowed_origins: [...allowed, origin] },
      },
    },
  }
  const folder = join(options.home, 'config')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await writeFile(join(folder, 'sonia.json'), `${JSON.stringify(configuration, null, 2)}\n`, { mode: 0o600 })
}

/** The first sonia.json of these folders, or the defaults; exit code 65 where it cannot be read. */
export async function readConfigurationSource(folders: readonly string[]): Promise<Json> {
  const path = folders.map((folder) => join(folder, 'sonia.json')).find((candidate) => existsSync(candidate))
  if (path === undefined) return {}
  try {
    const value = JSON.parse(readPlainFile(path).toString('utf8')) as unknown
    if (isObject(value)) return value
    throw new Error('it is no JSON object')
  } catch (cause) {
    if (cause instanceof OpsError) throw cause
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new CliError(EXIT_CODES.badInput, `${path} cannot be read: ${message}`, {
      hint: 'mend the file or its rights; removing it brings the default back',
      cause,
    })
  }
}

function section(base: Json, ...path: readonly string[]): Json {
  let here: unknown = base
  for (const name of path) here = isObject(here) ? here[name] : undefined
  return isObject(here) ? here : {}
}

function isObject(value: unknown): value is Json {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}
