import assert from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { runProcess } from './run-process.ts'
import { REPOSITORY, scratchFolder } from './testing.ts'

let folder: string
before(async () => {
  folder = await scratchFolder()
})
after(() => rm(folder, { recursive: true, force: true }))

/** Writes a real bundle onto a file system of 64 KiB that exists in this process's own mount namespace alone. */
test('a full disk is one clear error and leaves nothing half-written', async () => {
  const module = (name: string) => JSON.stringify(join(REPOSITORY, 'gates/evidence', name))
  const script = join(folder, 'write.ts')
  await writeFile(
    script,
    `import { readdirSync } from 'node:fs'
import { makeBundle, makeRecording } from ${module('testing.ts')}
const recording = await makeRecording(process.argv[2]!)
const error = await makeBundle(recording, { artifactsFolder: process.argv[3]! }).then(() => 'none', (one) => one.code)
console.log(JSON.stringify({ error, left: readdirSync(process.argv[3]!) }))
`,
  )
  const isRoot = process.getuid?.() === 0
  const mounted = 'mkdir -p "$2/disk" "$2/work" && mount -t tmpfs -o size=64k none "$2/disk"'
  const command = `${mounted} && exec "$1" "$3" "$2/work" "$2/disk"`
  const args = [
    ...(isRoot ? ['-m'] : ['-r', '-m']),
    'sh',
    '-ec',
    command,
    'sh',
    process.execPath,
    folder,
    script,
  ]
  const result = await runProcess('unshare', args, { cwd: REPOSITORY })
  assert.equal(result.exitCode, 0, result.stderr)
  assert.deepEqual(JSON.parse(result.stdout.toString()), { error: 'ENOSPC', left: [] })
})
