import assert from 'node:assert/strict'
import { chmod, mkdir, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { parseManifest } from './manifest.ts'
import { readListed } from './read-listed.ts'
import { criteriaDigest } from './released.ts'
import { outputOf } from './run-process.ts'
import {
  bundle,
  edit,
  flipBit,
  folder,
  keys,
  recording,
  refuses,
  rehash,
  signAgain,
  verify,
} from './tampered-bundle.ts'
import { copyForDamage, makeBundle, makeRecording, overwrite, scratchFolder } from './testing.ts'

test('refuses a flipped bit in every single file of the bundle', async () => {
  const { files } = parseManifest(await readFile(join(bundle, 'MANIFEST.json'), 'utf8'))
  for (const { path, size } of files) {
    if (size === 0) continue
    await refuses('FILE_CHANGED', 10, (copy) => flipBit(join(copy, path)))
  }
})

test('refuses a missing file', () =>
  refuses('FILE_MISSING', 11, (copy) => rm(join(copy, 'gates/soak/k6.log'))))

test('refuses a removed recorded block', async () => {
  const { files } = parseManifest(await readFile(join(bundle, 'MANIFEST.json'), 'utf8'))
  const chunk = files.find(({ path }) => path.includes('/chunks/'))?.path ?? ''
  await refuses('FILE_MISSING', 11, (copy) => rm(join(copy, chunk)))
})

test('refuses an extra file', () =>
  refuses('FILE_EXTRA', 10, (copy) => writeFile(join(copy, 'gates/soak/more.log'), 'x', { mode: 0o444 })))

test('refuses an extra file among the keys', () =>
  refuses('FILE_EXTRA', 10, (copy) => writeFile(join(copy, 'keys/other.pem'), 'x', { mode: 0o444 })))

test('refuses a folder that holds nothing', () =>
  refuses('FILE_EXTRA', 10, (copy) => mkdir(join(copy, 'zzz/approved'), { recursive: true })))

test('refuses a renamed file', () =>
  refuses('FILE_EXTRA', 10, (copy) =>
    rename(join(copy, 'gates/soak/k6.log'), join(copy, 'gates/soak/k7.log')),
  ))

test('refuses a symbolic link in place of a file with the same bytes', () =>
  refuses('FILE_LINK', 10, async (copy) => {
    await rename(join(copy, 'gates/soak/k6.log'), join(folder, 'outside.log'))
    await symlink(join(folder, 'outside.log'), join(copy, 'gates/soak/k6.log'))
  }))

test('refuses a pipe in the bundle', () =>
  refuses('FILE_SPECIAL', 10, (copy) => outputOf('mkfifo', [join(copy, 'gates/soak/pipe')])))

test('refuses a pipe in place of what it would read, instead of waiting for it to end', async () => {
  for (const path of [
    'MANIFEST.json',
    'SHA256SUMS',
    'verdict.json',
    'keys/machine.pem',
    'attestations/soak.dsse.json',
  ])
    await refuses('FILE_SPECIAL', 10, async (copy) => {
      await rm(join(copy, path))
      await outputOf('mkfifo', [join(copy, path)])
    })
})

test('writes a name that would move the cursor or turn the text around as what it is', async () => {
  const copy = await copyForDamage(bundle, join(folder, 'names'))
  await writeFile(join(copy, 'gates/a\naccepted\u001b[2J\u202egpj'), 'x', { mode: 0o444 })
  const result = await verify(copy)
  assert.equal(
    result.files.sentence,
    'gates/a\\u{a}accepted\\u{1b}[2J\\u{202e}gpj is in the folder and not in the manifest',
  )
})

test('refuses a file that may be written', () =>
  refuses('FILE_MODE', 10, (copy) => chmod(join(copy, 'verdict.json'), 0o644)))

test('refuses a file that may be run', () =>
  refuses('FILE_MODE', 10, (copy) => chmod(join(copy, 'verdict.json'), 0o555)))

test('refuses a bundle without a manifest', () =>
  refuses('MANIFEST_MISSING', 11, (copy) => rm(join(copy, 'MANIFEST.json'))))

test('refuses an empty manifest', () =>
  refuses('MANIFEST_MALFORMED', 10, (copy) => overwrite(join(copy, 'MANIFEST.json'), '{}')))

test('refuses a manifest and a list of digests that are endless, without reading them', async () => {
  const grow = (path: string) => async (copy: string) => {
    await chmod(join(copy, path), 0o644)
    await truncate(join(copy, path), 3 * 1024 ** 3)
    await chmod(join(copy, path), 0o444)
  }
  await refuses('MANIFEST_MALFORMED', 10, grow('MANIFEST.json'))
  await refuses('SUMS_CHANGED', 10, grow('SHA256SUMS'))
})

test('refuses signatures, keys and pages that are endless, without reading them', async () => {
  for (const path of ['keys/machine.pem', 'attestations/sign-off-soak-0.dsse.json', 'release.html'])
    await refuses('FILE_EXTRA', 10, async (copy) => {
      await rm(join(copy, path), { force: true })
      await writeFile(join(copy, path), '')
      await truncate(join(copy, path), 3 * 1024 ** 3)
      await chmod(join(copy, path), 0o444)
    })
})

test('refuses a verdict that grew while it was checked', async () => {
  const manifest = parseManifest(await readFile(join(bundle, 'MANIFEST.json'), 'utf8'))
  const copy = await copyForDamage(bundle, join(folder, 'grown'))
  await edit(join(copy, 'verdict.json'), '"value": 3', '"value": 4')
  await assert.rejects(readListed(copy, manifest, 'verdict.json'), /changed while it was read/u)
})

test('refuses a name that is no text', () =>
  refuses('FILE_SPECIAL', 10, (copy) =>
    writeFile(Buffer.concat([Buffer.from(`${copy}/attestations/`), Buffer.from([0x61, 0xff])]), 'x'),
  ))

test('refuses a manifest that lists nothing', () =>
  refuses('MANIFEST_MALFORMED', 10, async (copy) => {
    const manifest = parseManifest(await readFile(join(copy, 'MANIFEST.json'), 'utf8'))
    await overwrite(join(copy, 'MANIFEST.json'), JSON.stringify({ ...manifest, files: [] }))
  }))

test('refuses a manifest that points outside the folder', () =>
  refuses('MANIFEST_MALFORMED', 10, (copy) =>
    edit(join(copy, 'MANIFEST.json'), '"gates/soak/k6.log"', '"../../outside.log"'),
  ))

test('refuses a missing SHA256SUMS', () =>
  refuses('SUMS_MISSING', 11, (copy) => rm(join(copy, 'SHA256SUMS'))))

test('refuses a SHA256SUMS that says less than the manifest', () =>
  refuses('SUMS_CHANGED', 10, (copy) => overwrite(join(copy, 'SHA256SUMS'), '')))

test('refuses an edited file whose digests were all computed again', () =>
  refuses('MANIFEST_CHANGED', 10, async (copy) => {
    await edit(join(copy, 'gates/soak/k6.log'), '300 of 300', '999 of 999')
    await rehash(copy)
  }))

test('refuses a manifest moved to another commit', () =>
  refuses('MANIFEST_CHANGED', 10, (copy) =>
    rehash(copy, (manifest) => ({ ...manifest, released: { ...manifest.released, commit: 'f'.repeat(40) } })),
  ))

test('refuses a smoke run relabelled as release', () =>
  refuses('MANIFEST_CHANGED', 10, (copy) =>
    rehash(copy, (manifest) => ({ ...manifest, profile: 'release' })),
  ))

test('refuses a run whose predecessor beside it was changed or replaced', async () => {
  const first = await makeBundle(recording, { keys, runId: 'chain-1', createdAtMs: Date.UTC(2030, 0, 1) })
  const second = await makeBundle(recording, { keys, runId: 'chain-2', createdAtMs: Date.UTC(2030, 0, 2) })
  assert.equal((await verify(second.path)).exitCode, 0)
  await overwrite(join(first.path, 'MANIFEST.json'), '{}')
  const result = await verify(second.path)
  assert.equal(result.files.findings[0]?.code, 'CHAIN_BROKEN')
  assert.equal(result.exitCode, 10)
})

test('refuses a run beside which a pipe or a device lies as its predecessor, instead of waiting for it to end', async () => {
  const first = await makeBundle(recording, { keys, runId: 'chain-3', createdAtMs: Date.UTC(2030, 0, 3) })
  const second = await makeBundle(recording, { keys, runId: 'chain-4', createdAtMs: Date.UTC(2030, 0, 4) })
  const place = join(first.path, 'MANIFEST.json')
  for (const replace of [() => outputOf('mkfifo', [place]), () => symlink('/dev/zero', place)]) {
    await rm(place)
    await replace()
    assert.equal((await verify(second.path)).files.findings[0]?.code, 'CHAIN_BROKEN')
  }
})

test('refuses a verdict edited and signed again by the right key: the recorded data object', () =>
  refuses('VERDICT_DIFFERS', 14, async (copy) => {
    await edit(join(copy, 'verdict.json'), '"value": 3', '"value": 4')
    await rehash(copy)
    await signAgain(copy, keys)
  }))

test('refuses answers edited and signed again by the right key', () =>
  refuses('VERDICT_DIFFERS', 14, async (copy) => {
    await edit(join(copy, 'gates/go-no-go/answers.json'), '"3"', '"4"')
    await rehash(copy)
    await signAgain(copy, keys)
  }))

test('refuses a report edited and signed again by the right key', () =>
  refuses('VERDICT_DIFFERS', 14, async (copy) => {
    await edit(join(copy, 'report.html'), 'Cycles of start and stop', 'Cycles of start and go')
    await rehash(copy)
    await signAgain(copy, keys)
  }))

test('refuses recorded blocks of another history, digested and signed again', async () => {
  const other = await makeBundle(await makeRecording(await scratchFolder(), 40), { keys })
  const isBlock = ({ path }: { path: string }) => path.startsWith('prometheus/blocks/')
  const theirs = parseManifest(await readFile(join(other.path, 'MANIFEST.json'), 'utf8')).files.filter(
    isBlock,
  )
  await refuses('VERDICT_DIFFERS', 14, async (copy) => {
    await rm(join(copy, 'prometheus/blocks'), { recursive: true })
    await copyForDamage(join(other.path, 'prometheus/blocks'), join(copy, 'prometheus/blocks'))
    await rehash(copy, (manifest) => ({
      ...manifest,
      files: [...manifest.files.filter((file) => !isBlock(file)), ...theirs],
    }))
    await signAgain(copy, keys)
  })
  await rm(dirname(dirname(other.path)), { recursive: true })
})

test('refuses criteria loosened after the run, digested and signed again', () =>
  refuses('VERDICT_DIFFERS', 14, async (copy) => {
    await edit(join(copy, 'criteria/soak.yaml'), 'limit: 0.005', 'limit: 0.5')
    const criteria_sha256 = await criteriaDigest(join(copy, 'criteria'))
    await rehash(copy, (manifest) => ({ ...manifest, released: { ...manifest.released, criteria_sha256 } }))
    await signAgain(copy, keys)
  }))

test('refuses other criteria or another bill of materials than the manifest names, all signed by the right key', async () => {
  await refuses('RELEASED_CHANGED', 10, async (copy) => {
    await edit(join(copy, 'criteria/soak.yaml'), 'title: Soak', 'title: Nap')
    await rehash(copy)
    await signAgain(copy, keys)
  })
  await refuses('RELEASED_CHANGED', 10, async (copy) => {
    const sbom_sha256 = 'a'.repeat(64)
    await rehash(copy, (manifest) => ({ ...manifest, released: { ...manifest.released, sbom_sha256 } }))
    await signAgain(copy, keys)
  })
})

test('refuses a block cut short', async () => {
  const { files } = parseManifest(await readFile(join(bundle, 'MANIFEST.json'), 'utf8'))
  const index = files.find(({ path }) => path.endsWith('/index'))?.path ?? ''
  await refuses('FILE_CHANGED', 10, async (copy) => {
    const bytes = await readFile(join(copy, index))
    await overwrite(join(copy, index), bytes.subarray(0, 100))
  })
})

test('refuses blocks that Prometheus cannot open, digested and signed again', async () => {
  const { files } = parseManifest(await readFile(join(bundle, 'MANIFEST.json'), 'utf8'))
  const index = files.find(({ path }) => path.endsWith('/index'))?.path ?? ''
  await refuses('VERDICT_NOT_DERIVED', 14, async (copy) => {
    await overwrite(join(copy, index), 'no index')
    await rehash(copy)
    await signAgain(copy, keys)
  })
})

test('accepts the untouched bundle, answering all three questions with yes', async () => {
  const result = await verify(bundle)
  assert.deepEqual([...result.files.findings, ...result.signed.findings, ...result.derived.findings], [])
  assert.equal(result.exitCode, 0)
  assert.equal(result.verdict, 'PASS')
})

test('accepts a copy made under a stricter umask', async () => {
  const copy = await copyForDamage(bundle, join(folder, 'strict'))
  await outputOf('chmod', ['-R', 'go-rwx', copy])
  assert.equal((await verify(copy)).exitCode, 0)
})
