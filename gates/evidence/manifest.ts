import { Type, type Static } from 'typebox'
import { Value } from 'typebox/value'
import { comparePaths } from './file-tree.ts'

const Sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' })
const GitObject = Type.String({ pattern: '^[0-9a-f]{40}([0-9a-f]{24})?$' })

const RunId = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$' })

const ROLES = [
  'report',
  'verdict',
  'summary',
  'gate-input',
  'recorded-blocks',
  'rules',
  'prometheus-configuration',
  'criteria',
  'inputs',
  'sbom',
] as const

export type FileRole = (typeof ROLES)[number]

const ManifestFileSchema = Type.Object(
  {
    path: Type.String({ minLength: 1, maxLength: 1024 }),
    size: Type.Integer({ minimum: 0 }),
    sha256: Sha256,
    mode: Type.Literal('0444'),
    role: Type.Enum([...ROLES]),
  },
  { additionalProperties: false },
)

const ReleasedSchema = Type.Object(
  {
    version: Type.String(),
    commit: GitObject,
    tree: GitObject,
    /** Anything in the working tree that the commit does not hold. */
    dirty: Type.Boolean(),
    author_emails: Type.Array(Type.String(), { minItems: 1 }),
    lock_file_sha256: Sha256,
    sbom_sha256: Type.Union([Sha256, Type.Null()]),
    image_digest: Type.Union([Type.String(), Type.Null()]),
    configuration_sha256: Sha256,
    policies_sha256: Sha256,
    criteria_sha256: Sha256,
  },
  { additionalProperties: false },
)

export const ManifestSchema = Type.Object(
  {
    format: Type.Literal('sonia-manifest/1'),
    run_id: RunId,
    profile: Type.String({ minLength: 1 }),
    /** A rehearsal proves the machinery of the release, never a release. */
    purpose: Type.Union([Type.Literal('run'), Type.Literal('rehearsal')]),
    created_at: Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d{3})?Z$' }),
    producer: Type.Object(
      { key_id: Type.String({ pattern: '^SHA256:[A-Za-z0-9+/]{43}$' }), emails: Type.Array(Type.String()) },
      { additionalProperties: false },
    ),
    released: ReleasedSchema,
    versions: Type.Record(Type.String(), Type.String()),
    previous: Type.Union([
      Type.Object({ run_id: RunId, manifest_sha256: Sha256 }, { additionalProperties: false }),
      Type.Null(),
    ]),
    files: Type.Array(ManifestFileSchema, { minItems: 1 }),
  },
  { additionalProperties: false, title: 'Manifest of an evidence bundle' },
)

export type Manifest = Static<typeof ManifestSchema>
export type ManifestFile = Static<typeof ManifestFileSchema>
export type Released = Static<typeof ReleasedSchema>

export const MANIFEST_FILE = 'MANIFEST.json'

export function renderManifest(manifest: Manifest): string {
  const files = manifest.files.toSorted((a, b) => comparePaths(a.path, b.path))
  return `${JSON.stringify({ ...manifest, files }, null, 2)}\n`
}

/**
 * Reads a manifest strictly: unknown members, unsafe or repeated or unsorted paths are errors, and so is a second
 * member of one name, of which another reader would take the first.
 */
export function parseManifest(text: string): Manifest {
  const value: unknown = JSON.parse(text)
  if (!Value.Check(ManifestSchema, value)) {
    const [first] = Value.Errors(ManifestSchema, value)
    throw new Error(`${first?.instancePath ?? ''} ${first?.message ?? 'does not fit the schema'}`.trim())
  }
  if (Number.isNaN(Date.parse(value.created_at))) throw new Error(`${value.created_at} is no moment`)
  for (const [index, file] of value.files.entries()) {
    if (!isSafePath(file.path))
      throw new Error(`${JSON.stringify(file.path)} is not a path inside the bundle`)
    const before = value.files[index - 1]
    if (before !== undefined && comparePaths(before.path, file.path) >= 0)
      throw new Error(`${file.path} is listed twice or out of order`)
  }
  if (text !== renderManifest(value)) throw new Error('it is written otherwise than we write one')
  return value
}

/** Plain relative paths only: no parent, no empty step, no backslash, no control character. */
export function isSafePath(path: string): boolean {
  // oxlint-disable-next-line no-control-regex -- control characters are what this refuses
  if (/[\u0000-\u001f\u007f\\]/u.test(path)) return false
  return path.split('/').every((step) => step !== '' && step !== '.' && step !== '..')
}
