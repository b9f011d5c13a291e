import { availableParallelism, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { locateTool } from '#tools/locate.ts'
import { type CommandArguments, type CommandDefinition, flagOption, textOption } from '../command.ts'
import { calibrateFamilies, type FamilyRates, ratesOf } from '../calibrate/calibrate-families.ts'
import { FAMILIES, type Family } from '../calibrate/histories/families.ts'
import { calibratedCode, keptVerdicts } from '../calibrate/kept-verdicts.ts'
import { planHistories } from '../calibrate/plan-histories.ts'
import type { Binaries } from '../calibrate/planted/judge-cases.ts'
import { renderFamily, renderGates, renderHead } from '../calibrate/render-rates.ts'
import { SUBJECTS } from '../calibrate/planted-subjects.ts'
import { calibrateThroughPrometheus } from '../calibrate/through-prometheus.ts'
import { wholeGateRates } from '../calibrate/whole-gate.ts'
import { loadCriteriaFolder } from '../engine/load-criteria.ts'
import { CliError, EXIT_CODES } from '../exit-codes.ts'
import type { Host } from '../host.ts'
import { runMutations } from './calibrate-mutations.ts'
import { runPages } from './calibrate-pages.ts'

const HISTORIES = '300'
const MARGIN = '1000'
const SEED = '1'
const CRITERION = 'soak.memory'
const WORKERS = String(availableParallelism())

export const command: CommandDefinition = {
  name: 'gates calibrate',
  summary: 'measure how often the gate itself is wrong, on simulated histories of 48 h',
  options: [
    { flags: '--families <names>', help: 'some of them, a,b (default: all)' },
    { flags: '--histories <number>', help: 'histories of each family', fallback: HISTORIES },
    { flags: '--margin <number>', help: 'histories of each family at exactly delta', fallback: MARGIN },
    {
      flags: '--gates <number>',
      help: 'whole gates to make of short, long and p95-steady, which takes more of these (default: as many as there are)',
    },
    { flags: '--seed <number>', help: 'the same seed gives the same histories', fallback: SEED },
    {
      flags: '--workers <number>',
      help: 'threads that judge; the rates do not depend on it',
      fallback: WORKERS,
    },
    {
      flags: '--keep <folder>',
      help: 'keep the verdicts of each family there as it ends, and go on from those that are there',
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
      flags: '--pages',
      help: 'instead: evaluate the alert rules that page over stacks made of the histories; a healthy one must page nobody',
    },
    {
      flags: '--through <way>',
      help: 'memory, or prometheus: blocks, a real Prometheus, a production criterion with its guards',
      fallback: 'memory',
    },
    {
      flags: '--criterion <id>',
      help: `with --through prometheus: one of ${Object.keys(SUBJECTS).join(', ')}`,
      fallback: CRITERION,
    },
    { flags: '--json', help: 'print as JSON' },
  ],
  arguments: [],
  examples: [
    './sonia gates calibrate --families short,leak-2-short --histories 50',
    './sonia gates calibrate --histories 1000 --gates 300 --keep /tmp/calibration',
  ],
  async run(args, host) {
    if (flagOption(args, 'mutations')) return runMutations(args, host, await binariesOf(host))
    const families = familiesOption(args)
    const isJson = flagOption(args, 'json')
    if (flagOption(args, 'pages')) {
      const numbers = { ...numbersOf(args), families, isJson }
      return runPages(numbers, host, await binariesOf(host))
    }
    const say = (text: string) => {
      if (!isJson) host.stdout.write(text)
    }
    say(renderHead())
    const rates = await measure(args, host, { families, onFamily: (one) => say(renderFamily(one)) })
    const whole = wholeGateRates(rates)
    say(renderGates(whole))
    if (isJson)
      host.stdout.write(`${JSON.stringify({ per_series: rates.map(withoutHistories), whole_gate: whole })}\n`)
    if (host.interrupted.aborted) sayHowToGoOn(args, host, restOf(families, rates))
    return rates.some(({ refuted }) => refuted.length > 0) ? EXIT_CODES.gateFailed : EXIT_CODES.passed
  },
}

function numbersOf(args: CommandArguments) {
  return {
    histories: wholeOption(args, 'histories', HISTORIES),
    seed: wholeOption(args, 'seed', SEED),
    workers: wholeOption(args, 'workers', WORKERS),
  }
}

interface Measuring {
  readonly families: readonly Family[]
  readonly onFamily: (rates: FamilyRates) => void
}

async function measure(
  args: CommandArguments,
  host: Host,
  { families, onFamily }: Measuring,
): Promise<readonly FamilyRates[]> {
  const way = textOption(args, 'through') ?? 'memory'
  if (way === 'memory') return measureInMemory(args, host, { families, onFamily })
  if (way !== 'prometheus')
    throw new CliError(EXIT_CODES.badUsage, `--through "${way}" is neither memory nor prometheus`)
  const gates = await loadCriteriaFolder(join(host.repository, 'gates', 'criteria'))
  const name = textOption(args, 'criterion') ?? CRITERION
  const criterion = gates.flatMap(({ criteria }) => criteria).find(({ id }) => id === name)
  const subject = Object.hasOwn(SUBJECTS, name) ? SUBJECTS[name] : undefined
  if (criterion === undefined || subject === undefined)
    throw new CliError(EXIT_CODES.badUsage, `--criterion "${name}" is no criterion of growth or drift`)
  return calibrateThroughPrometheus(
    criterion,
    {
      ...numbersOf(args),
      families: families.filter(({ series }) => series === subject.kind),
      onFamily,
    },
    await binariesOf(host),
  )
}

async function measureInMemory(
  args: CommandArguments,
  host: Host,
  { families, onFamily }: Measuring,
): Promise<readonly FamilyRates[]> {
  const { histories, seed, workers } = numbersOf(args)
  const plans = planHistories(families, {
    histories,
    margin: wholeOption(args, 'margin', MARGIN),
    gates: textOption(args, 'gates') === undefined ? 0 : wholeOption(args, 'gates', '0'),
  })
  const folder = textOption(args, 'keep')
  const kept =
    folder === undefined
      ? null
      : keptVerdicts(resolve(host.cwd, folder), { seed, code: calibratedCode(host.repository) })
  const before = plans.flatMap((plan) => {
    const judged = kept?.read(plan) ?? null
    return judged === null ? [] : [ratesOf(plan.family, judged)]
  })
  for (const one of before) onFamily(one)
  const now = await calibrateFamilies({
    plans: plans.filter(({ family }) => !before.some((one) => one.family === family.id)),
    seed,
    workers,
    signal: host.interrupted,
    onFamily(one) {
      kept?.write(one.family, one.judged)
      onFamily(one)
    },
  })
  const all = [...before, ...now]
  return plans.flatMap(({ family }) => all.find((one) => one.family === family.id) ?? [])
}

function restOf(families: readonly Family[], rates: readonly FamilyRates[]): readonly string[] {
  return families.map(({ id }) => id).filter((id) => !rates.some(({ family }) => family === id))
}

function sayHowToGoOn(args: CommandArguments, host: Host, rest: readonly string[]): void {
  const goOn =
    textOption(args, 'keep') === undefined
      ? `the rest with --families ${rest.join(',')}, or all of them with --keep, which goes on where it ended`
      : 'the same command again: it goes on from what is kept'
  host.stderr.write(`sonia: interrupted; ${rest.length} families are not judged\n  try: ${goOn}\n`)
}

async function binariesOf(host: Host): Promise<Binaries> {
  return {
    prometheus: (await locateTool('prometheus', host)).path,
    promtool: (await locateTool('promtool', host)).path,
    scratchParent: tmpdir(),
    signal: host.interrupted,
  }
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
