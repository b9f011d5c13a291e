import { spawn } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { compactTime } from '#ops/compact-time.ts'
import type { Host } from '../host.ts'

/** A run of `./sonia gates --detach`: what it prints, and its exit code once it has ended. */
export interface DetachedRun {
  readonly name: string
  readonly log: string
  readonly exitCodeFile: string
  /** Process group; SIGINT to it ends the run in order. */
  readonly processGroup: number
}

// A shell keeps the exit code: nobody else is left to hear it once the terminal is gone.
const SCRIPT = 'trap : INT TERM; log=$1 code=$2; shift 2; "$@" >"$log" 2>&1; echo $? >"$code"'

/** Starts the program again in a session of its own, which the end of this terminal does not reach. */
export async function startDetached(home: string, argv: readonly string[], host: Host): Promise<DetachedRun> {
  const folder = detachedFolder(home)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const name = compactTime(host.clock.nowMs())
  const [log, exitCodeFile] = [join(folder, `${name}.log`), join(folder, `${name}.code`)]
  const program = [process.execPath, join(host.repository, 'gates', 'main.ts'), ...argv]
  await writeFile(log, '', { mode: 0o600, flag: 'wx' })
  const child = spawn('sh', ['-c', SCRIPT, 'sonia-gates', log, exitCodeFile, ...program], {
    cwd: host.cwd,
    env: { ...host.env },
    detached: true,
    stdio: 'ignore',
  })
  const processGroup = await new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('spawn', () => resolve(child.pid ?? 0))
  })
  child.unref()
  await writeFile(join(folder, `${name}.pid`), `${processGroup}\n`, { mode: 0o600 })
  return { name, log, exitCodeFile, processGroup }
}

/** The run of that name, else the newest; null where there is none. */
export async function findDetached(home: string, wanted: string | undefined): Promise<DetachedRun | null> {
  const folder = detachedFolder(home)
  const files = await readdir(folder).catch(() => [])
  const names = files.filter((file) => file.endsWith('.pid')).map((file) => file.slice(0, -'.pid'.length))
  const name = wanted ?? names.toSorted().at(-1)
  if (name === undefined || !names.includes(name)) return null
  return {
    name,
    log: join(folder, `${name}.log`),
    exitCodeFile: join(folder, `${name}.code`),
    processGroup: Number(await readFile(join(folder, `${name}.pid`), 'utf8')),
  }
}

function detachedFolder(home: string): string {
  return join(home, 'run', 'detached')
}
