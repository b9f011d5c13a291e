import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, closeSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getuid, pid, stdout } from 'node:process'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { PROGRAM_RULES } from '../services/openclaw/command/programs.ts'
import { CONTAINED_ENVIRONMENT } from '../services/openclaw/containment/contained-command.ts'
import { findContainment } from '../services/openclaw/containment/find-containment.ts'
import { limitArguments } from '../services/openclaw/containment/limit-arguments.ts'
import { programShelf } from '../services/openclaw/containment/program-identity.ts'
import { PROGRAM_LIMITS } from '../services/openclaw/containment/program-limits.ts'
import { runContained, runInSpare } from '../services/openclaw/containment/run-contained.ts'
import { createSpares } from '../services/openclaw/containment/spares.ts'
import { closeRoot, openRoot } from '../services/openclaw/files/walk.ts'
import { measureRatio, ratioTable, type TimedArm } from './lib/ratio-report.ts'

// One short program as shell.run runs it (identity checked, namespaces, root of its own, rights, limits), against the
// same program started plainly with the same limits and rights. shell.run keeps contained processes prepared ahead; the
// judged arm is a call that finds one, with a pause before each call of every arm in which it gets ready, as between the
// calls of a person or a model. The third arm is a call that finds none: it shows what preparing costs.
const { values } = parseArgs({
  options: { short: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
})
const LIMIT = 1.6
const CPU_SECONDS = 6
const REST_MS = 60
const REFERENCE = 'plain, same limits'
const RIGHTS = { prlimit: '/usr/bin/prlimit', setpriv: '/usr/bin/setpriv' }

const folder = mkdtempSync(join(tmpdir(), 'sonia-bench-spawn-'))
const id = 61_184 + (pid % 4_000)
const user = getuid?.() === 0 ? { uid: id, gid: id } : null
if (user !== null) chownSync(folder, user.uid, user.gid)
const root = openRoot(folder)
const shelf = programShelf({ path: '/usr/bin', owners: [0] })
const { containment, problems } = await findContainment({ root, shelf, user, folders: ['/usr/bin', '/bin'] })
if (containment === null) throw new Error(`nothing contains programs here: ${problems.join('; ')}`)
const found = containment
const spares = createSpares({
  containment,
  rootFd: root.fd,
  limits: PROGRAM_LIMITS,
  shelf,
  programs: PROGRAM_RULES.map(({ name }) => name),
  cpuSecondsMax: CPU_SECONDS,
  count: 1,
})
const limits = { limits: PROGRAM_LIMITS, cpuSecondsMax: CPU_SECONDS }

async function contained(): Promise<void> {
  const program = shelf.open('true')
  const command = {
    argv: [program.identity.path] as const,
    programFd: program.fd,
    rootFd: root.fd,
    folder: [],
    ...limits,
  }
  const run = await runContained(found, command, { timeoutMs: 5_000, signal: new AbortController().signal })
  closeSync(program.fd)
  if (run.exitCode !== 0) throw new Error(run.stderr)
}

async function prepared(): Promise<void> {
  const program = shelf.open('true')
  const spare = spares?.take(program.identity) ?? null
  closeSync(program.fd)
  if (spare === null) throw new Error('no process was prepared')
  const command = {
    folder: '/sandbox',
    argv: [program.identity.path],
    outputBytesMax: PROGRAM_LIMITS.outputBytesMax,
  }
  const run = await runInSpare(spare, command, { timeoutMs: 5_000, signal: new AbortController().signal })
  if (run.exitCode !== 0) throw new Error(run.stderr)
}

async function rest(): Promise<void> {
  spares?.fill()
  await pause(REST_MS)
}

async function plain(): Promise<void> {
  const [...words] = [...limitArguments(RIGHTS, user, limits), '/usr/bin/true']
  const child = spawn(words[0] ?? '', words.slice(1), {
    env: CONTAINED_ENVIRONMENT,
    cwd: folder,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  child.stdout.resume()
  child.stderr.resume()
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`the program ended with ${code}`)
}

const judged = spares === null ? 'contained' : 'contained, prepared ahead'
const arms: TimedArm[] = [
  { name: 'contained', once: contained, before: rest },
  { name: REFERENCE, once: plain, before: rest },
]
if (spares !== null) arms.push({ name: judged, once: prepared, before: rest })
try {
  const result = await measureRatio(
    {
      bench: `openclaw-spawn, ${found.kind}`,
      form: values.short ? 'short' : 'long',
      rounds: values.short ? 2 : 31,
      callsPerRound: values.short ? 2 : 20,
      subject: judged,
      reference: REFERENCE,
      limit: LIMIT,
    },
    arms,
  )
  stdout.write(values.json ? `${JSON.stringify(result, null, 2)}\n` : ratioTable(result))
} finally {
  await spares?.close()
  closeRoot(root)
  rmSync(folder, { recursive: true })
}
