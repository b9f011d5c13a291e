import { join } from 'node:path'
import { OpsError } from '../ops-error.ts'
import { readPlainFile } from '../read-plain-file.ts'
import type { PreflightOptions } from './options.ts'

/** A text setting and where it stands: "services.model-router.providers.local.api_key". */
export interface Setting {
  readonly place: string
  readonly value: string
}

/** config/sonia.json of the state folder; undefined where there is none yet. Throws where it is not JSON. */
export function readSoniaJson({ folders }: Pick<PreflightOptions, 'folders'>): unknown {
  let text: string
  try {
    text = readPlainFile(join(folders.config, 'sonia.json')).toString('utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    if (error instanceof OpsError) throw error
    throw new Error('config/sonia.json cannot be read', { cause: error })
  }
  try {
    return JSON.parse(text) as unknown
  } catch (cause) {
    throw new Error('config/sonia.json is not valid JSON', { cause })
  }
}

export function* textSettings(value: unknown, place = ''): Generator<Setting> {
  if (typeof value === 'string') yield { place, value }
  if (typeof value !== 'object' || value === null) return
  for (const [key, entry] of Object.entries(value)) {
    yield* textSettings(entry, place === '' ? key : `${place}.${key}`)
  }
}

const REFERENCE = /^(env|file):(.+)$/s

export interface SecretReference {
  readonly place: string
  readonly kind: 'env' | 'file'
  readonly where: string
}

export function secretReferences(config: unknown): readonly SecretReference[] {
  return [...textSettings(config)].flatMap(({ place, value }) => {
    const [, kind, where] = REFERENCE.exec(value) ?? []
    return kind === undefined || where === undefined ? [] : [{ place, kind: kind as 'env' | 'file', where }]
  })
}
