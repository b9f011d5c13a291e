import type { CommandDefinition } from './command.ts'
import { approvalCommands } from './commands/approvals.ts'
import { command as backup } from './commands/backup.ts'
import { command as backups } from './commands/backups.ts'
import { command as bench } from './commands/bench.ts'
import { command as calibrate } from './commands/calibrate.ts'
import { completionCommand } from './commands/completion.ts'
import { command as down } from './commands/down.ts'
import { command as drillAlerts } from './commands/drill-alerts.ts'
import { command as drillRestore } from './commands/drill-restore.ts'
import { command as gates } from './commands/gates.ts'
import { command as gatesAttach } from './commands/gates-attach.ts'
import { command as judge } from './commands/judge.ts'
import { command as logs } from './commands/logs.ts'
import { command as plan } from './commands/plan.ts'
import { command as preflight } from './commands/preflight.ts'
import { releaseCommands } from './commands/release.ts'
import { command as releaseLog } from './commands/release-log.ts'
import { command as restore } from './commands/restore.ts'
import { command as status } from './commands/status.ts'
import { command as test } from './commands/test.ts'
import { command as token } from './commands/token.ts'
import { command as tools } from './commands/tools.ts'
import { command as trace } from './commands/trace.ts'
import { command as up } from './commands/up.ts'
import { command as verify } from './commands/verify.ts'

/** Every command, in the order in which `--help` lists them. */
export const COMMANDS: readonly CommandDefinition[] = [
  up,
  down,
  status,
  logs,
  trace,
  gates,
  gatesAttach,
  calibrate,
  plan,
  judge,
  verify,
  preflight,
  backup,
  backups,
  restore,
  ...approvalCommands,
  token,
  ...releaseCommands,
  releaseLog,
  drillAlerts,
  drillRestore,
  tools,
  bench,
  test,
  completionCommand(() => COMMANDS),
]
