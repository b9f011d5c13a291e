import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LAYOUT, OUTSIDE_MANIFEST } from './bundle-layout.ts'
import { digestOfListed } from './folder-digest.ts'
import { readTree, type TreeEntry } from './file-tree.ts'
import { finding, type Finding } from './findings.ts'
import { MANIFEST_FILE, parseManifest, type Manifest, type ManifestFile } from './manifest.ts'
import { PARSED_BYTES_MAX } from './read-listed.ts'
import { sha256, sha256OfFile } from './sha256.ts'
import { renderSha256Sums, SHA256SUMS_FILE } from './sha256sums.ts'

/** A manifest as read, with the digest that everything signed speaks of. */
export interface ReadManifest {
  readonly manifest: Manifest
  readonly sha256: string
}

export interface FilesAnswer {
  readonly findings: readonly Finding[]
  readonly read: ReadManifest | null
}

const WRITE_OR_RUN = 0o7333
/** All signatures, keys and pages of a release together have some hundred thousand bytes. */
const OUTSIDE_BYTES_MAX = 32 * 1024 * 1024

/** First question: is every file there, none besides, each byte and mode as the manifest says? */
export async function checkFiles(bundle: string): Promise<FilesAnswer> {
  const { entries: tree, emptyFolders } = await readTree(bundle)
  const odd = tree.flatMap(checkKind)
  // Neither a pipe nor what a link leads to is ever read: it may never end, or lie elsewhere.
  if (tree.some((entry) => entry.kind !== 'file')) return { findings: odd, read: null }
  const place = tree.find((entry) => entry.path === MANIFEST_FILE)
  if (place === undefined) {
    const missing = finding(
      'MANIFEST_MISSING',
      'there is no MANIFEST.json, so nothing says what belongs here',
    )
    return { findings: [...odd, missing], read: null }
  }
  if (place.size > PARSED_BYTES_MAX) {
    const malformed = finding('MANIFEST_MALFORMED', `MANIFEST.json has ${place.size} bytes: too many`)
    return { findings: [...odd, malformed], read: null }
  }
  const outside = checkOutside(tree)
  if (outside.length > 0) return { findings: [...odd, ...outside], read: null }
  const text = await readFile(join(bundle, MANIFEST_FILE), 'utf8')
  const manifest = tryParse(text)
  if (manifest instanceof Error) {
    const malformed = finding('MANIFEST_MALFORMED', `MANIFEST.json cannot be used: ${manifest.message}`)
    return { findings: [...odd, malformed], read: null }
  }
  const read = { manifest, sha256: sha256(text) }
  const findings = [
    ...odd,
    ...(await checkListed(bundle, tree, manifest)),
    ...checkExtra(tree, manifest),
    ...checkEmptyFolders(emptyFolders, manifest),
    ...checkReleasedDigests(manifest),
    ...(await checkSums(bundle, tree, read)),
  ]
  return { findings, read }
}

function tryParse(text: string): Manifest | Error {
  try {
    return parseManifest(text)
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

function checkKind(entry: TreeEntry): readonly Finding[] {
  const { path } = entry
  if (entry.kind === 'symlink')
    return [finding('FILE_LINK', `${path} is a symbolic link; a bundle holds files only`, path)]
  if (entry.kind === 'other')
    return [
      finding('FILE_SPECIAL', `${path} is neither a file nor a folder, or has a name that is no text`, path),
    ]
  return checkMode(entry)
}

/** A stricter umask may take read bits away on a copy; bits that let a file be written or run are refused. */
function checkMode({ path, mode }: TreeEntry): readonly Finding[] {
  if ((mode & WRITE_OR_RUN) === 0) return []
  const seen = mode.toString(8).padStart(4, '0')
  return [finding('FILE_MODE', `${path} has mode ${seen}; evidence is read-only, at most 0444`, path)]
}

async function checkListed(
  bundle: string,
  tree: readonly TreeEntry[],
  manifest: Manifest,
): Promise<readonly Finding[]> {
  const present = new Map(tree.map((entry) => [entry.path, entry]))
  const findings: Finding[] = []
  for (const file of manifest.files) {
    const entry = present.get(file.path)
    if (entry === undefined)
      findings.push(
        finding('FILE_MISSING', `${file.path} is in the manifest and not in the folder`, file.path),
      )
    else findings.push(...(await checkContent(bundle, file, entry)))
  }
  return findings
}

async function checkContent(
  bundle: string,
  file: ManifestFile,
  entry: TreeEntry,
): Promise<readonly Finding[]> {
  const { path } = file
  if (entry.size !== file.size)
    return [finding('FILE_CHANGED', `${path} has ${entry.size} bytes; recorded were ${file.size}`, path)]
  if ((await sha256OfFile(join(bundle, path))) !== file.sha256)
    return [finding('FILE_CHANGED', `${path} has other bytes than those recorded (SHA-256 differs)`, path)]
  return []
}

function checkExtra(tree: readonly TreeEntry[], manifest: Manifest): readonly Finding[] {
  const listed = new Set(manifest.files.map((file) => file.path))
  return tree
    .filter(({ path }) => !listed.has(path) && !isOutside(path))
    .map(({ path }) => finding('FILE_EXTRA', `${path} is in the folder and not in the manifest`, path))
}

/** A folder that should hold something says with its missing files what is wrong with it. */
function checkEmptyFolders(empty: readonly string[], { files }: Manifest): readonly Finding[] {
  return empty
    .filter((folder) => !files.some(({ path }) => path.startsWith(`${folder}/`)))
    .map((path) => finding('FILE_EXTRA', `${path} is a folder that holds nothing`, path))
}

/** No digest bounds what comes after the manifest, and it is read before anybody is known to have signed it. */
function checkOutside(tree: readonly TreeEntry[]): readonly Finding[] {
  const outside = tree.filter(
    ({ path }) => isOutside(path) && ![MANIFEST_FILE, SHA256SUMS_FILE].includes(path),
  )
  const bytes = outside.reduce((sum, { size }) => sum + size, 0)
  if (bytes <= OUTSIDE_BYTES_MAX) return []
  return [finding('FILE_EXTRA', `keys, signatures and pages have ${bytes} bytes: more than any release`)]
}

function isOutside(path: string): boolean {
  return OUTSIDE_MANIFEST.has(path) || path.startsWith(`${LAYOUT.attestations}/`)
}

/** What the manifest says was judged by, and what lies here to judge by again, must be one thing. */
function checkReleasedDigests({ files, released }: Manifest): readonly Finding[] {
  const criteria = files.filter(({ path }) => path.startsWith(`${LAYOUT.criteria}/`))
  const digest = digestOfListed(
    criteria.map(({ path, sha256: of }) => ({ path: path.slice(LAYOUT.criteria.length + 1), sha256: of })),
  )
  const sbom = files.find(({ path }) => path === LAYOUT.sbom)?.sha256 ?? null
  const no = (what: string) =>
    finding('RELEASED_CHANGED', `${what} not those that the manifest says were used`)
  return [
    ...(digest === released.criteria_sha256 ? [] : [no('the criteria here are')]),
    ...(sbom === released.sbom_sha256 ? [] : [no('the contents of the bill of materials here are')]),
  ]
}

async function checkSums(
  bundle: string,
  tree: readonly TreeEntry[],
  read: ReadManifest,
): Promise<readonly Finding[]> {
  const place = tree.find((entry) => entry.path === SHA256SUMS_FILE)
  if (place === undefined)
    return [finding('SUMS_MISSING', 'there is no SHA256SUMS, which other tools read', SHA256SUMS_FILE)]
  const expected = Buffer.from(renderSha256Sums(read.manifest, read.sha256))
  if (
    place.size === expected.length &&
    (await sha256OfFile(join(bundle, SHA256SUMS_FILE))) === sha256(expected)
  )
    return []
  return [finding('SUMS_CHANGED', 'SHA256SUMS does not say what MANIFEST.json says', SHA256SUMS_FILE)]
}
