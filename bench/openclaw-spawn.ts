import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, closeSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getuid, stdout } from 'node:process'
import { parseArgs } from 'node:util'
import { CONTAINED_ENVIRONMENT } from '../services/openclaw/containment/contained-command.ts'
import { findContainment } from '../services/openclaw/containment/find-containment.ts'
import { limitArguments } from '../services/openclaw/containment/limit-arguments.ts'
import { programShelf } from '../services/openclaw/containment/program-identity.ts'
import { PROGRAM_LIMITS } from '../services/openclaw/containment/program-limits.ts'
import { runContained } from '../services/openclaw/containment/run-contained.ts'
import { closeRoot, openRoot } from '../services/openclaw/files/walk.ts'
import { measureRatio, ratioTable } from './lib/ratio-report.ts'

// One short program: contained as shell.run runs it (identity checked, namespaces, root of its own, limits), against
// the same program started plainly with the same limits and rights.
const { values } = parseArgs({
  options: { short: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
})
const LIMIT = 1.6
const CPU_SECONDS = 6
const RIGHTS = { prlimit: '/usr/bin/prlimit', setpriv: '/usr/bin/setpriv' }

const folder = mkdtempSync(join(tmpdir(), 'sonia-bench-spawn-'))
const user = getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : null
if (user !== null) chownSync(folder, user.uid, user.gid)
const root = openRoot(folder)
const shelf = programShelf({ path: '/usr/bin', owners: [0] })
const { containment, problems } = await findContainment({ root, shelf, user, folders: ['/usr/bin', '/bin'] })
if (containment === null) throw new Error(`nothing contains programs here: ${problems.join('; ')}`)
const found = containment
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

async function plain(): Promise<void> {
  const [file = '', ...args] = [...limitArguments(RIGHTS, user, limits), '/usr/bin/true']
  const child = spawn(file, args, {
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

try {
  const result = await measureRatio(
    {
      bench: 'openclaw-spawn',
      form: values.short ? 'short' : 'long',
      rounds: values.short ? 7 : 31,
      callsPerRound: values.short ? 10 : 40,
      subject: `contained by ${found.kind}`,
      reference: 'plain, same limits',
      limit: LIMIT,
    },
    [
      { name: `contained by ${found.kind}`, once: contained },
      { name: 'plain, same limits', once: plain },
    ],
  )
  stdout.write(values.json ? `${JSON.stringify(result, null, 2)}\n` : ratioTable(result))
} finally {
  closeRoot(root)
  rmSync(folder, { recursive: true })
}
