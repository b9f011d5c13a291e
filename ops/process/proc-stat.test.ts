import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseProcStat, readProcStat } from './proc-stat.ts'

const tail = 'S 10 20 30 0 -1 4194560 1 0 0 0 1 2 0 0 20 0 11 0 987654 1 2 3'

test('refuses text that is no stat line', () => {
  for (const text of ['', '12', '12 (x', ') 12 (', `x (node) ${tail}`, '12 (node) S 10 20']) {
    assert.equal(parseProcStat(text), undefined, text)
  }
})

test('counts fields from the last bracket, whatever the command is called', () => {
  for (const command of ['node', 'a b', ') (', '((', 'S 1 2 3)', 'x) S 9 9 9 (y']) {
    const stat = parseProcStat(`12 (${command}) ${tail}`)
    assert.deepEqual(stat, {
      pid: 12,
      command,
      state: 'S',
      parentPid: 10,
      group: 20,
      session: 30,
      startTicks: 987654,
    })
  }
})

test('reads this very process', () => {
  const stat = readProcStat(process.pid)
  assert.equal(stat?.pid, process.pid)
  assert.equal(stat.parentPid, process.ppid)
})

test('a process that is gone reads as nothing', () => {
  assert.equal(readProcStat(2 ** 22 + 1), undefined)
})
