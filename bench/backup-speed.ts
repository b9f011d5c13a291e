import Database from 'better-sqlite3'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { env, stdout } from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { runProgram } from '#gates/durability/run-script.ts'
import { hostOfProcess } from '#gates/host.ts'
import { askService, serviceToken } from '#gates/runners/service-access.ts'
import { keepDatabase, prepareHome } from './lib/prepared-database.ts'
import { startServiceSlots } from './lib/service-slots.ts'

// A memory database is backed up and verified, restored into a fresh folder and served from there, once; and the same
// file is copied by cp and looked through by one integrity_check in the same run. Wall time and processor time of each
// step: on a machine that others use, the second is what the step costs.
const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    /** Given by ./sonia bench; there is no other form here. */
    json: { type: 'boolean', default: false },
    dir: { type: 'string', default: tmpdir() },
    memories: { type: 'string' },
    /** The database is kept there from one run to the next. */
    database: { type: 'string' },
    /** Only makes that database. */
    prepare: { type: 'boolean', default: false },
    'port-base': { type: 'string', default: '27740' },
  },
})
/** Some 373 bytes each with their index: 2,890,000 are a little more than 1 GiB, 806,000 than 300 MB. */
const MEMORIES = Number(values.memories ?? (values.short ? 20_000 : 2_890_000))
const SEED = 20_261_124
const TICKS_PER_SECOND = 100
const portBase = Number(values['port-base'])
const repository = fileURLToPath(new URL('..', import.meta.url))
const host = hostOfProcess(process)
const { database: kept = null } = values
const prepared = { memories: MEMORIES, seed: SEED }
const home = mkdtempSync(join(values.dir, 'sonia-bench-'))
const restored = join(home, 'restored')
const steps: Record<string, { readonly seconds: number; readonly cpu_seconds: number }> = {}

try {
  if (values.prepare && kept !== null) keepDatabase({ ...prepared, kept })
  else await measure()
} finally {
  rmSync(home, { recursive: true })
}

async function measure(): Promise<void> {
  const file = prepareHome(home, { ...prepared, kept })
  const bytes = statSync(file).size
  await timed('cp', async () => copyFileSync(file, join(home, 'copy.db')))
  await timed('integrity_check', async () => checkOnce(join(home, 'copy.db')))
  rmSync(join(home, 'copy.db'))
  const backup = await timed('backup_and_verify', makeBackup)
  await timed('restore', () => restore(backup))
  await timed('serve', serve)
  const of = (name: string) => steps[name]?.seconds ?? 0
  const plain = of('cp') + of('integrity_check')
  const whole = of('backup_and_verify') + of('restore') + of('serve')
  const answer = {
    bench: 'backup-speed',
    memories: MEMORIES,
    bytes,
    steps,
    backup_beyond_cp_and_check_seconds: of('backup_and_verify') - plain,
    all_beyond_cp_and_check_seconds: whole - plain,
    all_seconds: whole,
  }
  stdout.write(`${JSON.stringify(answer, null, 2)}\n`)
}

async function timed<T>(name: string, work: () => Promise<T>): Promise<T> {
  const startedMs = performance.now()
  const before = cpuSeconds()
  const result = await work()
  steps[name] = { seconds: (performance.now() - startedMs) / 1000, cpu_seconds: cpuSeconds() - before }
  return result
}

/** Of this process and of its children that have ended (proc(5): utime, stime, cutime, cstime). */
function cpuSeconds(): number {
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ').at(-1)?.split(' ') ?? []
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
  return ticks / TICKS_PER_SECOND
}

function checkOnce(path: string): void {
  const database = new Database(path)
  try {
    const [first] = database.pragma('integrity_check(1)') as readonly { integrity_check: string }[]
    if (first?.integrity_check !== 'ok') throw new Error('the bench made a broken database')
  } finally {
    database.close()
  }
}

async function makeBackup(): Promise<string> {
  const main = join(repository, 'ops', 'backup', 'backup-main.ts')
  const argument = JSON.stringify({ home, reason: 'drill' })
  const { exitCode, text } = await runProgram([process.execPath, main, argument], env)
  if (exitCode !== 0) throw new Error(`the backup did not complete: ${text}`)
  return join(home, 'backups', (JSON.parse(text) as { id: string }).id)
}

async function restore(backup: string): Promise<void> {
  const sonia = join(repository, 'sonia')
  const args = ['restore', backup, '--to', restored, '--key', join(home, 'config', 'backup.pub'), '--json']
  const { exitCode, text } = await runProgram([sonia, ...args], env)
  if (exitCode !== 0) throw new Error(`the restore did not complete: ${text}`)
}

/** Until memory-engine, started on what was restored, has answered a search. */
async function serve(): Promise<void> {
  const services = ['memory-engine', 'eva-os'] as const
  const slots = await startServiceSlots({
    services,
    home: restored,
    portBase,
    host,
    configuration: {},
    restartsMax: 0,
  })
  try {
    const address = { home: restored, portBase }
    const token = await serviceToken(address, 'api-gateway', 'memory-engine')
    const { status, body } = await askService(address, 'memory-engine', {
      path: '/search',
      body: { query: 'the first search after a restore', limit: 5 },
      headers: { 'x-service-token': token },
      timeoutMs: 60_000,
    })
    if (status !== 200) throw new Error(`the search answered ${status} ${JSON.stringify(body)}`)
  } finally {
    await Promise.all(slots.map((slot) => slot.stop(5000)))
  }
}
