import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createWorkerHandle } from './worker-handle.ts'

function countingWorker(t: { after(undo: () => Promise<void>): void }, idleMs: number) {
  const ended = new Int32Array(new SharedArrayBuffer(4))
  const handle = createWorkerHandle<string, number>({
    script: new URL('fixtures/counting-worker.ts', import.meta.url),
    data: { ended },
    onCrash: (error) => assert.fail(error),
    idleMs,
  })
  t.after(() => handle.stop(1000))
  return { handle, ended }
}

test('a thread that nobody needs ends, and the next job starts another', async (t) => {
  const { handle, ended } = countingWorker(t, 1)
  const first = await handle.send('who')
  await Atomics.waitAsync(ended, 0, 0).value
  assert.notEqual(await handle.send('who'), first)
})

test('one thread does what follows each other, and a stop ends it', async (t) => {
  const { handle, ended } = countingWorker(t, 60_000)
  const first = await handle.send('who')
  assert.equal(await handle.send('who'), first)
  assert.equal(Atomics.load(ended, 0), 0)
  await handle.stop(1000)
  assert.equal(Atomics.load(ended, 0), 1)
})
