import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { requireProgram } from '../../tests/requirement.ts'
import { contentOf } from './drill-content.ts'
import {
  callsOf,
  type ImageVerdict,
  isImageWhole,
  judgeImage,
  lossesFor,
  recordWrites,
} from './power-loss.ts'
import type { AcknowledgedWrite } from './write-load.ts'

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url))
const scratch = mkdtempSync(join(tmpdir(), 'sonia-power-'))
after(() => rmSync(scratch, { recursive: true, force: true }))

const WRITES = 60
const IMAGES = 12
const SEED = 7
const CONTENTS = Array.from({ length: WRITES }, (_, index) => contentOf('power', index + 1))

/** A database as memory-engine's, written to by one row a commit; each commit is acknowledged on standard output. */
const WRITER = `
const database = new (require('better-sqlite3'))(process.argv[1])
database.pragma('journal_mode = WAL')
database.pragma('synchronous = ' + process.argv[2])
database.exec("CREATE TABLE memories (id TEXT PRIMARY KEY, content TEXT NOT NULL); CREATE VIRTUAL TABLE memories_fts USING fts5(content, content='memories')")
database.exec('CREATE TRIGGER added AFTER INSERT ON memories BEGIN INSERT INTO memories_fts (rowid, content) VALUES (new.rowid, new.content); END')
const insert = database.prepare('INSERT INTO memories VALUES (?, ?)')
const contents = ${JSON.stringify(CONTENTS)}
process.stdin.once('data', () => {
  for (let n = 1; n <= ${WRITES}; n += 1) {
    const content = contents[n - 1]
    insert.run('mem_' + n, content)
    console.log(JSON.stringify({ id: 'mem_' + n, content, atMs: Date.now() }))
  }
  console.log('done')
})
console.log('ready')
setInterval(() => {}, 1e6)
`

async function imagesOf(synchronous: string): Promise<readonly ImageVerdict[]> {
  const folder = join(scratch, synchronous)
  mkdirSync(folder)
  const writer = spawn(process.execPath, ['-e', WRITER, join(folder, 'sonia.db'), synchronous], {
    cwd: REPOSITORY,
  })
  try {
    const trace = join(scratch, `${synchronous}.trace`)
    const lines = createInterface({ input: writer.stdout })[Symbol.asyncIterator]()
    assert.equal((await lines.next()).value, 'ready')
    const recording = await recordWrites(writer.pid ?? 0, folder, trace)
    writer.stdin.write('go\n')
    const writes: AcknowledgedWrite[] = []
    for (let line = await lines.next(); line.value !== 'done'; line = await lines.next()) {
      writes.push(JSON.parse(String(line.value)) as AcknowledgedWrite)
    }
    await recording.stop()
    const recorded = { initial: recording.initial, calls: callsOf(trace, folder) }
    return lossesFor(writes, IMAGES, SEED).map((loss) =>
      judgeImage(recorded, writes, loss, join(scratch, 'image')),
    )
  } finally {
    await ended(writer)
  }
}

async function ended(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

function hasStrace(t: TestContext): boolean {
  return requireProgram(t, 'strace', process) !== null
}

test('with synchronous=FULL no power loss takes an acknowledged row or harms the database', async (t) => {
  if (!hasStrace(t)) return
  for (const verdict of await imagesOf('FULL')) assert.ok(isImageWhole(verdict), JSON.stringify(verdict))
})

test('with synchronous=NORMAL the same check sees rows lost: it can fail', async (t) => {
  if (!hasStrace(t)) return
  const verdicts = await imagesOf('NORMAL')
  assert.ok(
    verdicts.filter(({ lost }) => lost > 0).length >= IMAGES / 3,
    JSON.stringify(verdicts.map(({ lost }) => lost)),
  )
})
