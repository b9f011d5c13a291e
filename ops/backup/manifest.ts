import { type Static, Type } from 'typebox'
import { Errors } from 'typebox/value'
import { BackupError } from './backup-error.ts'

export const MANIFEST_NAME = 'MANIFEST.json'
export const SIGNATURE_NAME = 'MANIFEST.sig'
export const FORMAT = 1

const Sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' })

const TableFacts = Type.Object(
  { name: Type.String(), rows: Type.Integer({ minimum: 0 }), sha256: Sha256 },
  { additionalProperties: false },
)

const BackupFile = Type.Object(
  {
    /** Below the state folder, and below `files/` of the backup. */
    path: Type.String({ minLength: 1, maxLength: 512 }),
    role: Type.Enum(['database', 'session', 'configuration', 'policy', 'log']),
    size: Type.Integer({ minimum: 0 }),
    sha256: Sha256,
    mode: Type.Integer({ minimum: 0, maximum: 0o777 }),
    database: Type.Optional(
      Type.Object(
        { schema_version: Type.Integer(), tables: Type.Array(TableFacts) },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
)

const Sentinel = Type.Object(
  { memories: Type.Integer(), last_seq: Type.Integer(), last_created_at_ms: Type.Integer() },
  { additionalProperties: false },
)

export const BackupManifest = Type.Object(
  {
    format: Type.Literal(FORMAT),
    /** Also the name of the folder: a manifest put into another backup's folder is noticed. */
    id: Type.String({ pattern: '^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}$' }),
    created_at: Type.String(),
    version: Type.String(),
    reason: Type.Enum(['manual', 'scheduled', 'before-migration', 'drill']),
    /** The newest memory that the backup holds: what it can give back. Null without a memory database. */
    sentinel: Type.Union([Sentinel, Type.Null()]),
    files: Type.Array(BackupFile),
  },
  { additionalProperties: false },
)

export type BackupManifest = Static<typeof BackupManifest>
export type BackupFile = Static<typeof BackupFile>
export type TableFacts = Static<typeof TableFacts>

export function writeManifest(manifest: BackupManifest): string {
  return `${JSON.stringify(manifest, null, 2)}\n`
}

/** Reads a manifest that may come from anybody: shape, and no path that leaves the backup. */
export function readManifest(bytes: Buffer, on: string): BackupManifest {
  const manifest = parse(bytes, on)
  for (const { path } of manifest.files) refuseUnsafePath(path, on)
  return manifest
}

function parse(bytes: Buffer, on: string): BackupManifest {
  const hint = 'take another backup; ./sonia backups lists them'
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch (cause) {
    throw new BackupError('MANIFEST_MALFORMED', `${on} is not JSON`, { hint, cause })
  }
  const [problem] = Errors(BackupManifest, value)
  if (problem === undefined) return value as BackupManifest
  if (isNewer(value))
    throw new BackupError('SCHEMA_NEWER', on, { hint: 'restore it with the version that made it' })
  throw new BackupError('MANIFEST_MALFORMED', `${on}: ${problem.instancePath || '/'} ${problem.message}`, {
    hint,
  })
}

function isNewer(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'format' in value && Number(value.format) > FORMAT
}

function refuseUnsafePath(path: string, on: string): void {
  const parts = path.split('/')
  const isSafe =
    !path.startsWith('/') &&
    !path.includes('\\') &&
    !path.includes('\0') &&
    !parts.some((part) => ['', '.', '..'].includes(part))
  if (isSafe) return
  throw new BackupError('PATH_REFUSED', `${on} names "${path}"`, {
    hint: 'this backup was tampered with; take another one',
  })
}
