import assert from 'node:assert/strict'
import { resolve } from 'node:path/posix'
import { test } from 'node:test'
import fc from 'fast-check'
import { isSafePath, parseManifest, renderManifest, type Manifest } from './manifest.ts'

fc.configureGlobal({ seed: 20261124 })

const DIGEST = 'd'.repeat(64)
const file = (path: string) => ({ path, size: 1, sha256: DIGEST, mode: '0444', role: 'verdict' }) as const
const MANIFEST: Manifest = {
  format: 'sonia-manifest/1',
  run_id: 'run-1',
  profile: 'smoke',
  purpose: 'run',
  created_at: '2026-11-24T18:00:00.000Z',
  producer: { key_id: `SHA256:${'A'.repeat(43)}`, emails: [] },
  released: {
    version: '1.0.0',
    commit: 'a'.repeat(40),
    tree: 'b'.repeat(40),
    dirty: false,
    author_emails: ['a@example.org'],
    lock_file_sha256: DIGEST,
    sbom_sha256: null,
    image_digest: null,
    configuration_sha256: DIGEST,
    policies_sha256: DIGEST,
    criteria_sha256: DIGEST,
  },
  versions: {},
  previous: null,
  files: [file('a'), file('b/c')],
}

const written = (change: Record<string, unknown>) =>
  `${JSON.stringify({ ...MANIFEST, ...change }, null, 2)}\n`

const refuses = (change: Record<string, unknown>) =>
  assert.throws(() => parseManifest(written(change)), JSON.stringify(change))

test('refuses unknown members, missing ones, and values that do not fit', () => {
  refuses({ approved: true })
  refuses({ created_at: '2026-13-24T18:00:00.000Z' })
  refuses({ files: [] })
  refuses({ files: undefined })
  refuses({ run_id: '../elsewhere' })
  refuses({ format: 'sonia-manifest/2' })
  refuses({ released: { ...MANIFEST.released, author_emails: [] } })
  refuses({ producer: { key_id: 'SHA256:short', emails: [] } })
  refuses({ files: [{ ...file('a'), mode: '0644' }] })
  refuses({ files: [{ ...file('a'), sha256: DIGEST.toUpperCase() }] })
})

test('refuses a second member of one name, and any other way to write the same', () => {
  const text = written({})
  assert.deepEqual(parseManifest(text), MANIFEST)
  for (const other of [
    text.replace('{', '{\n  "profile": "release",'),
    text.trimEnd(),
    JSON.stringify(MANIFEST),
    text.replace('smoke', '\\u0073moke'),
  ]) {
    assert.notEqual(other, text)
    assert.throws(() => parseManifest(other), /written otherwise/u)
  }
})

test('refuses a predecessor whose name leads elsewhere', () =>
  refuses({ previous: { run_id: '..', manifest_sha256: DIGEST } }))

test('refuses paths that leave the bundle, come twice, or come out of order', () => {
  for (const path of ['../a', '/a', 'a/../b', 'a//b', './a', 'a/', 'a\\b', 'a\nb', ''])
    refuses({ files: [file(path)] })
  refuses({ files: [file('a'), file('a')] })
  refuses({ files: [file('b'), file('a')] })
})

test('no accepted path leaves the folder it is joined to', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('.', '/', 'a', '\\', '\n', '#') }), (path) => {
      if (isSafePath(path)) assert.ok(resolve('/root', path).startsWith('/root/'))
    }),
  )
})

test('what is written is read again, sorted by bytes', () => {
  const text = renderManifest({ ...MANIFEST, files: [file('b'), file('Z'), file('a')] })
  assert.deepEqual(
    parseManifest(text).files.map((one) => one.path),
    ['Z', 'a', 'b'],
  )
})
