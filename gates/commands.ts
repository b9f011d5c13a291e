import type { CommandDefinition } from './command.ts'

type Loader = () => Promise<readonly CommandDefinition[]>

/**
 * Where each command stands, in the order in which `--help` lists them. A file is read when its command is asked for:
 * all of them together import the whole system, which is two seconds before the first letter.
 */
const LOADERS: ReadonlyMap<string, Loader> = new Map<string, Loader>([
  ['up', one(() => import('./commands/up.ts'))],
  ['down', one(() => import('./commands/down.ts'))],
  ['status', one(() => import('./commands/status.ts'))],
  ['logs', one(() => import('./commands/logs.ts'))],
  ['trace', one(() => import('./commands/trace.ts'))],
  ['gates', one(() => import('./commands/gates.ts'))],
  ['gates attach', one(() => import('./commands/gates-attach.ts'))],
  ['gates calibrate', one(() => import('./commands/calibrate.ts'))],
  ['plan', one(() => import('./commands/plan.ts'))],
  ['judge', one(() => import('./commands/judge.ts'))],
  ['verify', one(() => import('./commands/verify.ts'))],
  ['preflight', one(() => import('./commands/preflight.ts'))],
  ['backup', one(() => import('./commands/backup.ts'))],
  ['backups', one(() => import('./commands/backups.ts'))],
  ['restore', one(() => import('./commands/restore.ts'))],
  ['approvals', async () => (await import('./commands/approvals.ts')).approvalCommands],
  ['token', one(() => import('./commands/token.ts'))],
  ['release', async () => (await import('./commands/release.ts')).releaseCommands],
  ['release log', one(() => import('./commands/release-log.ts'))],
  ['drill alerts', one(() => import('./commands/drill-alerts.ts'))],
  ['drill restore', one(() => import('./commands/drill-restore.ts'))],
  ['tools', one(() => import('./commands/tools.ts'))],
  ['bench', one(() => import('./commands/bench.ts'))],
  ['test', one(() => import('./commands/test.ts'))],
  ['completion', async () => [(await import('./commands/completion.ts')).completionCommand(allCommands)]],
])

function one(load: () => Promise<{ readonly command: CommandDefinition }>): Loader {
  return async () => [(await load()).command]
}

/** Every command, in the order in which `--help` lists them. */
export function allCommands(): Promise<readonly CommandDefinition[]> {
  return loadThose(() => true)
}

/** The commands that what was typed can mean: none for what the program itself answers, all where it is not clear. */
export async function commandsFor(argv: readonly string[]): Promise<readonly CommandDefinition[]> {
  const [first, second] = argv
  if (first === undefined || first === '--version' || first === '-V') return []
  const pair = `${first} ${second}`
  if (LOADERS.has(pair)) return loadThose((name) => name === pair)
  const family = await loadThose((name) => name.split(' ')[0] === first)
  return family.length > 0 ? family : allCommands()
}

async function loadThose(isMeant: (name: string) => boolean): Promise<readonly CommandDefinition[]> {
  const loads = [...LOADERS].filter(([name]) => isMeant(name)).map(([, load]) => load())
  return (await Promise.all(loads)).flat()
}
