import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { locateTool } from '#tools/locate.ts'
import { type CommandArguments, type CommandDefinition, flagOption, textOption } from '../command.ts'
import { calibrateFamilies, type FamilyRates } from '../calibrate/calibrate-families.ts'
import { FAMILIES, type Family } from '../calibrate/histories/families.ts'
import { runAlertMutations } from '../calibrate/mutation/alert-mutation-run.ts'
import { type MutantFate, runCriteriaMutations } from '../calibrate/mutation/mutation-run.ts'
import type { Binaries } from '../calibrate/planted/judge-cases.ts'
import { plantedCases } from '../calibrate/planted/planted-cases.ts'
import { calibrateThroughPrometheus } from '../calibrate/through-prometheus.ts'
import { wholeGateRates } from '../calibrate/whole-gate.ts'
import { loadCriteriaFolder } from '../engine/load-criteria.ts'
import { CliError, EXIT_CODES, type ExitCode } from '../exit-codes.ts'
import type { Host } from '../host.ts'

const HISTORIES = '300'
const SEED = '1'
const WORKERS = String(availableParallelism())

export const command: CommandDefinition = {
  name: 'gates calibrate',
  summary: 'measure how often the gate itself is wrong, on simulated histories of 48 h',
  options: [
    { flags: '--families <names>', help: 'some of them, a,b (default: all)' },
    { flags: '--histories <number>', help: 'histories of each family', fallback: HISTORIES },
    { flags: '--seed <number>', help: 'the same seed gives the same histories', fallback: SEED },
    {
      flags: '--workers <number>',
      help: 'threads that judge; the rates do not depend on it',
      fallback: WORKERS,
    },
    {
      flags: '--mutations',
      help: 'instead: make every small wrong change to criteria and alerts, and see which the planted cases notice',
    },
    {
      flags: '--mutants <names>',
      help: 'with --mutations: criteria, alerts, or beginnings of their names, a,b',
    },
    {
      flags: '--through <way>',
      help: 'memory, or prometheus: blocks, a real Prometheus, the production criterion of memory',
      fallback: 'memory',
    },
    { flags: '--json', help: 'print JSON' },
  ],
  arguments: [],
  examples: ['./sonia gates calibrate --families short,leak-2-short --histories 50'],
  async run(args, host) {
    if (flagOption(args, 'mutations')) return runMutations(args, host)
    const rates = await measure(args, host)
    const whole = wholeGateRates(rates)
    const isJson = flagOption(args, 'json')
    host.stdout.write(
      isJson
        ? `${JSON.stringify({ per_series: rates.map(withoutHistories), whole_gate: whole })}\n`
        : render(rates, whole),
    )
    return rates.some(({ refuted }) => refuted.length > 0) ? EXIT_CODES.gateFailed : EXIT_CODES.passed
  },
}

async function measure(args: CommandArguments, host: Host): Promise<readonly FamilyRates[]> {
  const families = familiesOption(args)
  const histories = wholeOption(args, 'histories', HISTORIES)
  const seed = wholeOption(args, 'seed', SEED)
  const way = textOption(args, 'through') ?? 'memory'
  if (way === 'memory')
    return calibrateFamilies({ families, histories, seed, workers: wholeOption(args, 'workers', WORKERS) })
  if (way !== 'prometheus')
    throw new CliError(EXIT_CODES.badUsage, `--through "${way}" is neither memory nor prometheus`)
  const gates = await loadCriteriaFolder(join(host.repository, 'gates', 'criteria'))
  const criterion = gates.flatMap(({ criteria }) => criteria).find(({ id }) => id === 'soak.memory')
  if (criterion === undefined) throw new CliError(EXIT_CODES.badInput, 'the criterion soak.memory is gone')
  const ofMemory = families.filter(({ series }) => series === 'memory')
  return calibrateThroughPrometheus(
    criterion,
    { families: ofMemory, histories, seed },
    await binariesOf(host),
  )
}

async function binariesOf(host: Host): Promise<Binaries> {
  return {
    prometheus: (await locateTool('prometheus', host)).path,
    promtool: (await locateTool('promtool', host)).path,
    scratchParent: tmpdir(),
  }
}

/** Mutants of criteria first, then of alerts; as far as `--mutants` asks for them. */
async function mutate(args: CommandArguments, host: Host): Promise<readonly MutantFate[]> {
  const only = textOption(args, 'mutants')?.split(',')
  const asked = (kind: string) => (name: string) =>
    only === undefined || only.some((one) => one === kind || name.startsWith(one))
  const onProgress = (line: string) => host.stderr.write(`${line}\n`)
  const gates = await loadCriteriaFolder(join(host.repository, 'gates', 'criteria'))
  const binaries = await binariesOf(host)
  const isCriterion = asked('criteria')
  const concerned = gates.filter(({ criteria }) => criteria.some(({ id }) => isCriterion(id)))
  const cases = plantedCases().filter(({ gate }) => concerned.some((one) => one.gate === gate))
  const ofCriteria =
    concerned.length === 0
      ? []
      : await runCriteriaMutations(concerned, cases, { binaries, isAsked: isCriterion, onProgress })
  const ofAlerts = await runAlertMutations({
    promtool: binaries.promtool,
    rules: join(host.repository, 'prometheus', 'rules'),
    scratchParent: binaries.scratchParent,
    isAsked: asked('alerts'),
    onProgress,
  })
  return [...ofCriteria, ...ofAlerts]
}

/** Fails where a survivor has no written reason. */
async function runMutations(args: CommandArguments, host: Host): Promise<ExitCode> {
  const fates = await mutate(args, host)
  if (fates.length === 0) throw new CliError(EXIT_CODES.badUsage, '--mutants names no criterion and no alert')
  const survivors = fates.filter(({ caughtBy }) => caughtBy === null)
  const unexplained = survivors.filter(({ reason }) => reason === null)
  const lines = survivors.map(
    ({ criterion, operator, change, reason }) =>
      `survives  ${criterion}  ${operator}  ${change}\n          ${reason ?? 'NO REASON WRITTEN'}\n`,
  )
  const score = `${fates.length - survivors.length} of ${fates.length} mutants caught, ${survivors.length - unexplained.length} survive with a reason, ${unexplained.length} without\n`
  const isJson = flagOption(args, 'json')
  host.stdout.write(isJson ? `${JSON.stringify(fates)}\n` : `${lines.join('')}${score}`)
  return unexplained.length === 0 ? EXIT_CODES.passed : EXIT_CODES.gateFailed
}

function withoutHistories({ judged: _judged, ...rates }: FamilyRates) {
  return rates
}

function familiesOption(args: CommandArguments): readonly Family[] {
  const names = textOption(args, 'families')?.split(',')
  if (names === undefined) return FAMILIES
  return names.map((name) => {
    const family = FAMILIES.find(({ id }) => id === name)
    if (family !== undefined) return family
    throw new CliError(EXIT_CODES.badUsage, `there is no family "${name}"`, {
      hint: `some of ${FAMILIES.map(({ id }) => id).join(',')}`,
    })
  })
}

function wholeOption(args: CommandArguments, name: string, fallback: string): number {
  const text = textOption(args, name) ?? fallback
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text)
  throw new CliError(EXIT_CODES.badUsage, `--${name} "${text}" is no whole number above 0`)
}

function render(rates: readonly FamilyRates[], whole: ReturnType<typeof wholeGateRates>): string {
  const percent = (share: number) => `${(share * 100).toFixed(1)}`
  const cell = ({ share, interval }: FamilyRates['fail']) =>
    `${percent(share)} [${percent(interval[0])}, ${percent(interval[1])}]`.padEnd(22)
  const head = `${'family'.padEnd(26)}${'n'.padStart(6)}  ${'FAIL %'.padEnd(22)}${'PASS %'.padEnd(22)}INCONCLUSIVE %\n`
  const lines = rates.map(
    ({ family, histories, fail, pass, inconclusive, refuted }) =>
      `${family.padEnd(26)}${String(histories).padStart(6)}  ${cell(fail)}${cell(pass)}${cell(inconclusive)}${refuted.length === 0 ? '' : ` REFUTES ${refuted.join(', ')}`}\n`,
  )
  const gates = whole.map(
    ({ made, gates: count, fail, pass, inconclusive }) =>
      `${made.padEnd(44)}${String(count).padStart(6)}  ${cell(fail)}${cell(pass)}${cell(inconclusive)}\n`,
  )
  return `per series, 95 % Clopper-Pearson intervals\n${head}${lines.join('')}\nwhole gate: PASS needs every series, a FAIL must survive Holm over all of them\n${gates.join('')}`
}
