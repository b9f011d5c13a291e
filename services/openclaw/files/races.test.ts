import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { ServiceError } from '#chassis/errors.ts'
import { readSandboxFile } from './read-file.ts'
import { closeRoot, openRoot } from './walk.ts'
import { writeSandboxFile } from './write-file.ts'

/** The long form: `node services/openclaw/files/races.test.ts --race-flips=10000`. */
const flag = process.argv.find((word) => word.startsWith('--race-flips='))
const ITERATIONS = Number(flag?.split('=')[1] ?? 1_000)

const home = mkdtempSync(join(tmpdir(), 'sonia-race-'))
after(() => rmSync(home, { recursive: true }))

/** Swaps the two names as fast as it can, in a thread of its own, and counts how often. */
const SWAPPER = `
const { renameSync, symlinkSync, unlinkSync, writeFileSync } = require('node:fs')
const { parentPort, workerData } = require('node:worker_threads')
const { name, parked, target } = workerData
const counter = new Int32Array(workerData.counter)
while (Atomics.load(counter, 1) === 0) {
  try {
    renameSync(name, parked)
    symlinkSync(target, name)
    Atomics.add(counter, 0, 1)
    unlinkSync(name)
    renameSync(parked, name)
  } catch (error) {
    // file.write renamed its own file over the link or under our hands: start over with what is there.
    try { unlinkSync(parked) } catch {}
  }
}
`

interface Race {
  readonly name: string
  readonly target: string
}

/** Runs `step` against the swapper; returns the number of swaps that happened meanwhile. */
async function raceAgainst({ name, target }: Race, step: () => Promise<void> | void): Promise<number> {
  const counter = new SharedArrayBuffer(8)
  const view = new Int32Array(counter)
  const worker = new Worker(SWAPPER, {
    eval: true,
    workerData: { name, target, parked: `${name}-parked`, counter },
  })
  await new Promise<void>((resolve, reject) => {
    worker.once('online', resolve)
    worker.once('error', reject)
  })
  // A thread is online before its first line runs: steps taken until then would race against nobody.
  while (Atomics.load(view, 0) === 0) await setImmediate()
  try {
    for (let iteration = 0; iteration < ITERATIONS; iteration++) await step()
  } finally {
    Atomics.store(view, 1, 1)
    await new Promise((resolve) => worker.once('exit', resolve))
  }
  return Atomics.load(view, 0)
}

function makeTree(title: string) {
  const base = join(home, title)
  const sandbox = join(base, 'sandbox')
  const outside = join(base, 'outside')
  mkdirSync(join(sandbox, 'docs'), { recursive: true })
  mkdirSync(join(outside, 'docs'), { recursive: true })
  writeFileSync(join(sandbox, 'docs', 'a.txt'), 'inside')
  writeFileSync(join(outside, 'a.txt'), 'SECRET')
  writeFileSync(join(outside, 'docs', 'a.txt'), 'SECRET')
  return { base, sandbox, outside, root: openRoot(sandbox) }
}

/** Reads often; counts contents, and accepts only the refusals that a swap may cause. */
function reader(read: () => string) {
  const seen = { inside: 0, refused: 0 }
  const step = () => {
    try {
      assert.equal(read(), 'inside')
      seen.inside++
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error
      seen.refused++
    }
  }
  return { seen, step }
}

test('a file swapped for a link while it is read never shows what the link names', async () => {
  const { sandbox, outside, root } = makeTree('file')
  const { seen, step } = reader(() => readSandboxFile(root, 'docs/a.txt').content)
  const swaps = await raceAgainst(
    { name: join(sandbox, 'docs', 'a.txt'), target: join(outside, 'a.txt') },
    step,
  )
  closeRoot(root)
  assert.ok(swaps > 0 && seen.refused > 0, `no race took place: ${swaps} swaps, ${seen.refused} refusals`)
})

test('a folder swapped for a link while it is walked never leads outside', async () => {
  const { sandbox, outside, root } = makeTree('folder')
  const { seen, step } = reader(() => readSandboxFile(root, 'docs/a.txt').content)
  const swaps = await raceAgainst({ name: join(sandbox, 'docs'), target: outside }, step)
  closeRoot(root)
  assert.ok(swaps > 0 && seen.refused > 0, `no race took place: ${swaps} swaps, ${seen.refused} refusals`)
})

test('the root swapped for a link while files are read changes nothing', async () => {
  const { sandbox, outside, root } = makeTree('root')
  const { seen, step } = reader(() => readSandboxFile(root, 'docs/a.txt').content)
  const swaps = await raceAgainst({ name: sandbox, target: outside }, step)
  closeRoot(root)
  assert.ok(swaps > 0)
  assert.equal(seen.inside, ITERATIONS)
})

test('a folder swapped for a link while files are written gets nothing outside', async () => {
  const { sandbox, outside, root } = makeTree('write')
  let id = 0
  const settings = { root, makeId: () => `${id++}`, owner: null }
  const swaps = await raceAgainst({ name: join(sandbox, 'docs'), target: outside }, async () => {
    try {
      await writeSandboxFile(settings, 'docs/w.txt', 'written')
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error
    }
  })
  closeRoot(root)
  assert.ok(swaps > 0)
  assert.deepEqual(readdirSync(outside).toSorted(), ['a.txt', 'docs'])
  assert.equal(readFileSync(join(outside, 'a.txt'), 'utf8'), 'SECRET')
})

test('the races are races: reading by path alone does leak', async () => {
  const { sandbox, outside, root } = makeTree('planted')
  let leaks = 0
  const path = join(sandbox, 'docs', 'a.txt')
  await raceAgainst({ name: path, target: join(outside, 'a.txt') }, () => {
    try {
      if (readFileSync(path, 'utf8') === 'SECRET') leaks++
    } catch {
      // Between two names there is none.
    }
  })
  closeRoot(root)
  assert.ok(leaks > 0, 'the swapper never won, so the tests above prove nothing')
})
