import { join } from 'node:path'
import { runAlertMutations } from '../calibrate/mutation/alert-mutation-run.ts'
import { type MutantFate, runCriteriaMutations } from '../calibrate/mutation/mutation-run.ts'
import type { Binaries } from '../calibrate/planted/judge-cases.ts'
import { plantedCases } from '../calibrate/planted/planted-cases.ts'
import { type CommandArguments, flagOption, textOption } from '../command.ts'
import { loadCriteriaFolder } from '../engine/load-criteria.ts'
import { CliError, EXIT_CODES, type ExitCode } from '../exit-codes.ts'
import type { Host } from '../host.ts'
import { wireNames } from '../wire-names.ts'

/** Makes wrong changes and says which survive; fails where a survivor has no written reason. */
export async function runMutations(
  args: CommandArguments,
  host: Host,
  binaries: Binaries,
): Promise<ExitCode> {
  const fates = await mutate(args, host, binaries)
  if (host.interrupted.aborted) {
    host.stderr.write(`sonia: interrupted after ${fates.length} mutants; what follows is of those\n`)
    host.stderr.write('  try: the rest with --mutants and the names that no line above says are done\n')
  } else if (fates.length === 0)
    throw new CliError(EXIT_CODES.badUsage, '--mutants names no criterion and no alert')
  const unexplained = fates.filter(({ caughtBy, reason }) => caughtBy === null && reason === null)
  host.stdout.write(flagOption(args, 'json') ? `${JSON.stringify(wireNames(fates))}\n` : render(fates))
  return unexplained.length === 0 ? EXIT_CODES.passed : EXIT_CODES.gateFailed
}

/** Mutants of criteria first, then of alerts; as far as `--mutants` asks for them. */
async function mutate(
  args: CommandArguments,
  host: Host,
  binaries: Binaries,
): Promise<readonly MutantFate[]> {
  const only = textOption(args, 'mutants')?.split(',')
  const asked = (kind: string) => (name: string) =>
    only === undefined || only.some((one) => one === kind || name.startsWith(one))
  const onProgress = (line: string) => host.stderr.write(`${line}\n`)
  const signal = host.interrupted
  const gates = await loadCriteriaFolder(join(host.repository, 'gates', 'criteria'))
  const isCriterion = asked('criteria')
  const concerned = gates.filter(({ criteria }) => criteria.some(({ id }) => isCriterion(id)))
  const cases = plantedCases().filter(({ gate }) => concerned.some((one) => one.gate === gate))
  const settings = { binaries, isAsked: isCriterion, onProgress, signal }
  const ofCriteria = concerned.length === 0 ? [] : await runCriteriaMutations(concerned, cases, settings)
  if (signal.aborted) return ofCriteria
  const ofAlerts = await runAlertMutations({
    promtool: binaries.promtool,
    rules: join(host.repository, 'prometheus', 'rules'),
    scratchParent: binaries.scratchParent,
    isAsked: asked('alerts'),
    onProgress,
    signal,
  })
  return [...ofCriteria, ...ofAlerts]
}

function render(fates: readonly MutantFate[]): string {
  const survivors = fates.filter(({ caughtBy }) => caughtBy === null)
  const unexplained = survivors.filter(({ reason }) => reason === null)
  const lines = survivors.map(
    ({ criterion, operator, change, reason }) =>
      `survives  ${criterion}  ${operator}  ${change}\n          ${reason ?? 'NO REASON WRITTEN'}\n`,
  )
  const score = `${fates.length - survivors.length} of ${fates.length} mutants caught, ${survivors.length - unexplained.length} survive with a reason, ${unexplained.length} without\n`
  return `${lines.join('')}${score}`
}
