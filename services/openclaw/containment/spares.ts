import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync } from 'node:fs'
import { CONTAINED_ENVIRONMENT, type Containment } from './contained-command.ts'
import { killGroup } from './kill-group.ts'
import type { ProgramIdentity, ProgramShelf } from './program-identity.ts'
import type { ProgramLimits } from './program-limits.ts'

export interface SpareSettings {
  readonly containment: Containment
  readonly rootFd: number
  readonly limits: ProgramLimits
  readonly shelf: ProgramShelf
  /** Names of the programs that a spare can become. */
  readonly programs: readonly string[]
  readonly cpuSecondsMax: number
  readonly count: number
}

/**
 * Contained processes prepared ahead: namespaces, root, rights and limits are in place, and what is missing is the
 * command. Each is used once. Preparing one costs several times what starting a plain process costs; a call finds it done.
 */
export interface Spares {
  /** A spare in which exactly this file is bound at its path; null where none is ready. */
  readonly take: (program: ProgramIdentity) => ChildProcess | null
  /** Makes up for what was taken; called when a run is over, so as not to compete with it. */
  readonly fill: () => void
  /** Resolves when all of them have ended and were reaped. */
  readonly close: () => Promise<void>
}

/**
 * Becomes the command that arrives on standard input: folder, number of words, words, one a line (words of a command
 * hold no line breaks: the parser refuses them). Constant text; nothing of a call is expanded but "$@".
 */
const BECOME_COMMAND = `
IFS= read -r folder || exit 0
cd "$folder" || exit 126
IFS= read -r left
set --
while [ "$left" -gt 0 ]; do
  IFS= read -r word
  set -- "$@" "$word"
  left=$((left - 1))
done
exec "$@" </dev/null
`

/** The lines that tell a spare what to become. */
export function commandLines(folder: string, argv: readonly string[]): string {
  return [folder, String(argv.length), ...argv, ''].join('\n')
}

export function createSpares(settings: SpareSettings): Spares | null {
  const { planSpare } = settings.containment
  if (planSpare === null) return null
  const ready: ChildProcess[] = []
  let bound = openPrograms(settings)
  let isClosed = false

  const fill = () => {
    while (!isClosed && ready.length < settings.count)
      ready.push(prepare(settings, planSpare, { bound, onExit: forget }))
  }
  const forget = (child: ChildProcess) => {
    const at = ready.indexOf(child)
    if (at >= 0) ready.splice(at, 1)
  }
  const discard = async () => {
    for (const { fd } of bound) closeSync(fd)
    bound = []
    await Promise.all(ready.splice(0).map(dismiss))
  }
  return {
    fill,
    take: (program) => {
      const known = bound.find(({ identity }) => identity.path === program.path)
      if (known?.identity.sha256 === program.sha256 && known.identity.inode === program.inode)
        return ready.shift() ?? null
      // The file is another one now (an upgrade): spares that hold the old one are of no use.
      void discard()
      bound = openPrograms(settings)
      return null
    },
    close: async () => {
      isClosed = true
      await discard()
    },
  }
}

const DISMISS_MS = 300

interface BoundProgram {
  readonly fd: number
  readonly identity: ProgramIdentity
}

function openPrograms({ shelf, programs }: SpareSettings): readonly BoundProgram[] {
  return programs.filter((name) => shelf.has(name)).map((name) => shelf.open(name))
}

/**
 * End of input lets an unused spare end by itself, from the inside out, so that each of its processes is reaped by its
 * own parent; killed from outside, the inner ones would be left to the machine's init. Killed where it does not end.
 */
async function dismiss(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve())
  })
  const impatience = setTimeout(() => killGroup(child), DISMISS_MS)
  child.stdout?.resume()
  child.stderr?.resume()
  child.stdin?.end()
  await ended
  clearTimeout(impatience)
}

function prepare(
  { rootFd, limits, cpuSecondsMax }: SpareSettings,
  planSpare: NonNullable<Containment['planSpare']>,
  {
    bound,
    onExit,
  }: { readonly bound: readonly BoundProgram[]; readonly onExit: (child: ChildProcess) => void },
): ChildProcess {
  const programs = bound.map(({ fd, identity }) => ({ fd, path: identity.path }))
  const plan = planSpare({ script: BECOME_COMMAND, rootFd, programs, limits, cpuSecondsMax })
  const child = spawn(plan.file, plan.args, {
    env: CONTAINED_ENVIRONMENT,
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe', ...plan.descriptors],
  })
  child.once('exit', () => onExit(child))
  child.once('error', () => onExit(child))
  // A spare that dies unused must not take the service with it when its pipe breaks.
  child.stdin?.on('error', () => undefined)
  return child
}
