import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type AuditLog, openAuditLog } from './audit-log.ts'
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
