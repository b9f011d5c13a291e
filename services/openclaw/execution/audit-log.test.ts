import assert from 'node:assert/strict'
import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type AuditLog, openAuditLog } from './audit-log.ts'
import { closedParts } from './audit-parts.ts'
import { verifyAuditLog } from './verify-audit.ts'

const home = mkdtempSync(join(tmpdir(), 'sonia-audit-'))
after(() => rmSync(home, { recursive: true }))
let files = 0

async function fresh(): Promise<{ path: string; log: AuditLog }> {
  const path = join(home, `${files++}.log`)
  return { path, log: await openAuditLog({ path, nowMs: () => 0 }) }
}

const entry = (id: number) => ({ phase: 'before', execution_id: `exe_${id}`, tool: 'file.read' }) as const

async function filled(count: number): Promise<string> {
  const { path, log } = await fresh()
  await Promise.all(Array.from({ length: count }, (_, id) => log.append(entry(id))))
  await log.close()
  return path
}

const tampering: readonly [string, (lines: string[]) => string[]][] = [
  [
    'a changed field',
    (lines) => lines.map((line, at) => (at === 2 ? line.replace('file.read', 'shell.run') : line)),
  ],
  ['a removed line', (lines) => lines.toSpliced(2, 1)],
  ['a removed first line', (lines) => lines.slice(1)],
  ['two lines in another order', (lines) => lines.toSpliced(1, 2, lines[2] ?? '', lines[1] ?? '')],
  ['a line that was added', (lines) => lines.toSpliced(2, 0, lines[1] ?? '')],
  ['a line that is no record', (lines) => lines.toSpliced(2, 0, 'nonsense')],
]
for (const [what, change] of tampering) {
  test(`${what} breaks the chain`, async () => {
    const path = await filled(5)
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
    writeFileSync(path, `${change(lines).join('\n')}\n`)
    assert.notEqual((await verifyAuditLog(path)).problem, null)
  })
}

test('lines written at the same time form one whole chain, on disk when append resolves', async () => {
  const path = await filled(200)
  assert.deepEqual(await verifyAuditLog(path), { lines: 200, problem: null })
  assert.equal(statSync(path).mode & 0o777, 0o600)
})

test('the chain goes on after a restart', async () => {
  const path = await filled(3)
  const log = await openAuditLog({ path, nowMs: () => 0 })
  await log.append(entry(4))
  assert.deepEqual(
    log.recent(2).map(({ seq }) => seq),
    [3, 4],
  )
  await log.close()
  assert.deepEqual(await verifyAuditLog(path), { lines: 4, problem: null })
})

test('half a line left by a crash is ended and noted, and the chain holds', async () => {
  const path = await filled(3)
  appendFileSync(path, '{"seq":4,"at":"19')
  const log = await openAuditLog({ path, nowMs: () => 0 })
  await log.append(entry(5))
  await log.close()
  assert.deepEqual(await verifyAuditLog(path), { lines: 6, problem: null })
  assert.match(readFileSync(path, 'utf8'), /"phase":"recovered"/)
})

test('a last line that only lacks its end counts', async () => {
  const path = await filled(3)
  writeFileSync(path, readFileSync(path, 'utf8').trimEnd())
  const log = await openAuditLog({ path, nowMs: () => 0 })
  await log.append(entry(4))
  await log.close()
  assert.deepEqual(await verifyAuditLog(path), { lines: 4, problem: null })
})

test('what cannot be written is reported to whoever waits for it', async () => {
  const log = await openAuditLog({ path: '/dev/full', nowMs: () => 0 })
  await assert.rejects(log.append(entry(1)), { code: 'ENOSPC' })
  await log.close()
})

const SMALL = { bytesMax: 2_000, closedMax: 3, nowMs: () => 0 }

/** A log whose files are so small that this many lines, one after the other, close several. */
async function inParts(count: number): Promise<string> {
  const path = join(home, `${files++}.log`)
  const log = await openAuditLog({ path, ...SMALL })
  for (let id = 0; id < count; id++) await log.append(entry(id))
  await log.close()
  return path
}

test('a full file is closed, the chain goes on in the next one, and only so many are kept', async () => {
  const path = await inParts(30)
  assert.deepEqual(await verifyAuditLog(path, 3), { lines: 30, problem: null })
  const log = await openAuditLog({ path, ...SMALL })
  for (let id = 30; id < 90; id++) await log.append(entry(id))
  assert.equal(log.recent(1_000).at(-1)?.seq, 90)
  await log.close()
  const parts = await closedParts(path)
  assert.equal(parts.length, 3)
  for (const part of [...parts, path])
    assert.ok(statSync(part).size < 2_500 && (statSync(part).mode & 0o077) === 0)
  const { lines, problem } = await verifyAuditLog(path, 3)
  assert.ok(lines < 90 && problem === null, `${lines} ${problem}`)
})

test('a closed file that is missing in the middle, changed or cut breaks the chain', async () => {
  for (const harm of [
    (part: string) => rmSync(part),
    (part: string) => writeFileSync(part, readFileSync(part, 'utf8').replace('file.read', 'shell.run')),
    (part: string) => writeFileSync(part, readFileSync(part, 'utf8').split('\n').slice(0, -2).join('\n')),
  ]) {
    const path = await inParts(30)
    const parts = await closedParts(path)
    harm(parts[1] ?? '')
    assert.notEqual((await verifyAuditLog(path, parts.length)).problem, null)
  }
})

test('a crash between two files loses nothing: the new one goes on where the closed one ended', async () => {
  const path = await inParts(9)
  renameSync(path, `${path}.${String(9).padStart(14, '0')}`)
  writeFileSync(`${path}.next`, '')
  const log = await openAuditLog({ path, ...SMALL })
  await log.append(entry(9))
  await log.close()
  assert.deepEqual(await verifyAuditLog(path, 3), { lines: 10, problem: null })
  assert.throws(() => statSync(`${path}.next`))
})
