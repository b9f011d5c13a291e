import { join } from 'node:path'
import { type LengthResolution, trendResolutions } from '../calibrate/trend-resolution.ts'
import { type CommandDefinition, flagOption, textOption } from '../command.ts'
import type { GateCriteria } from '../engine/criterion.ts'
import { formatAmount } from '../engine/format-amount.ts'
import { loadCriteriaFolder } from '../engine/load-criteria.ts'
import { splitByLength } from '../engine/not-judged.ts'
import { GATE_IDS } from '../engine/types.ts'
import { CliError, EXIT_CODES } from '../exit-codes.ts'
import type { Host } from '../host.ts'
import { DEFAULT_PROFILE, PROFILE_NAMES, type Profile, profileNamed } from '../profiles.ts'
import { plannedSecondsOf } from '../run-parameters.ts'

export const command: CommandDefinition = {
  name: 'plan',
  summary: 'say before a run what each criterion can prove at its length, and what it cannot',
  options: [
    { flags: '--profile <name>', help: `one of ${PROFILE_NAMES.join(', ')}`, fallback: DEFAULT_PROFILE },
    {
      flags: '--lengths <hours>',
      help: 'recompute what growth and drift judges see in runs of so many hours, 24,48',
    },
    { flags: '--json', help: 'print as JSON' },
  ],
  arguments: [],
  examples: ['./sonia plan --profile release', './sonia plan --lengths 24,48,96'],
  async run(args, host) {
    const lengths = textOption(args, 'lengths')
    if (lengths !== undefined) {
      const table = trendResolutions(hoursOption(lengths), PLANNED_FAMILIES, PLANNED_HISTORIES)
      host.stdout.write(flagOption(args, 'json') ? `${JSON.stringify(table)}\n` : renderLengths(table))
      return EXIT_CODES.passed
    }
    const profile = profileNamed(textOption(args, 'profile') ?? DEFAULT_PROFILE)
    const plan = await planOf(profile, host)
    if (flagOption(args, 'json')) host.stdout.write(`${JSON.stringify(plan)}\n`)
    else host.stdout.write(render(plan))
    return EXIT_CODES.passed
  },
}

const PLANNED_FAMILIES = ['short', 'long', 'p95-steady']
const PLANNED_HISTORIES = 30
/** Shortest run whose growth is judged; shorter ones are shown and marked. */
const JUDGED_FROM_HOURS = 36

function hoursOption(text: string): readonly number[] {
  const hours = text.split(',').map(Number)
  if (hours.every((one) => Number.isInteger(one) && one >= 6 && one <= 336)) return hours
  throw new CliError(EXIT_CODES.badUsage, `--lengths "${text}" are no lengths`, {
    hint: 'whole hours from 6 to 336, such as 24,48,96',
  })
}

function renderLengths(table: readonly LengthResolution[]): string {
  const lines = table.map(({ hours, family, resolution, unit }) => {
    const seen = Number.isFinite(resolution) ? formatAmount(resolution, unit) : 'nothing'
    const note = hours < JUDGED_FROM_HOURS ? '  (not judged below 36 h)' : ''
    return `${String(hours).padStart(5)} h  ${family.padEnd(12)}${seen.padStart(14)}${note}\n`
  })
  return `half-width of the 95 % interval, median of ${PLANNED_HISTORIES} simulated histories\n${lines.join('')}`
}

interface GatePlan {
  readonly gate: string
  readonly title: string
  readonly planned_seconds: number
  readonly judged: readonly { readonly id: string; readonly title: string; readonly judge: string }[]
  readonly not_judged: readonly { readonly id: string; readonly sentence: string }[]
}

async function planOf(profile: Profile, host: Host): Promise<readonly GatePlan[]> {
  const gates = await loadCriteriaFolder(join(host.repository, 'gates', 'criteria'))
  return inRunOrder(gates).map(({ gate, title, criteria }) => {
    const plannedSeconds = plannedSecondsOf(gate, profile)
    const { judged, notJudged } = splitByLength(criteria, plannedSeconds)
    return {
      gate,
      title,
      planned_seconds: plannedSeconds,
      judged: judged.map(({ id, title: subject, judge }) => ({ id, title: subject, judge: judge.kind })),
      not_judged: notJudged.map(({ id, sentence }) => ({ id, sentence })),
    }
  })
}

function inRunOrder(gates: readonly GateCriteria[]): readonly GateCriteria[] {
  const position = ({ gate }: GateCriteria) => GATE_IDS.findIndex((id) => id === gate)
  return gates.toSorted((a, b) => position(a) - position(b))
}

function render(plan: readonly GatePlan[]): string {
  return plan
    .map(({ gate, title, judged, not_judged }) => {
      const can = judged.map(({ id, title: subject }) => `  judged      ${id.padEnd(40)} ${subject}\n`)
      const cannot = not_judged.map(({ id, sentence }) => `  not judged  ${id.padEnd(40)} ${sentence}\n`)
      return `${gate}: ${title}\n${can.join('')}${cannot.join('')}`
    })
    .join('\n')
}
