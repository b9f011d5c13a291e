import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createProgress } from './progress.ts'

function watched(isTerminal: boolean) {
  let written = ''
  let nowMs = 0
  const output = { isTerminal, columns: 40, write: (text: string) => void (written += text) }
  const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs, sleep: () => Promise.resolve() }
  const progress = createProgress(output, clock)
  return { progress, pass: (ms: number) => (nowMs += ms), written: () => written }
}

test('in CI nothing rewrites itself, and a repeated line comes every ten seconds at most', () => {
  const { progress, pass, written } = watched(false)
  for (let second = 0; second < 25; second += 1) {
    progress.at(`load for ${second} s`)
    pass(1000)
  }
  progress.say('done')
  assert.equal(written(), '00:00  load for 0 s\n00:10  load for 10 s\n00:20  load for 20 s\n00:25  done\n')
})

test('on a terminal the moving line never wraps', () => {
  const { progress, written } = watched(true)
  progress.at('x'.repeat(200))
  assert.ok(written().replace('\r\u001b[2K', '').length < 40)
})
