import { join } from 'node:path'
import { type CommandDefinition, flagOption, textOption } from '../command.ts'
import type { GateCriteria } from '../engine/criterion.ts'
import { loadCriteriaFolder } from '../engine/load-criteria.ts'
import { splitByLength } from '../engine/not-judged.ts'
import { GATE_IDS } from '../engine/types.ts'
import { EXIT_CODES } from '../exit-codes.ts'
import type { Host } from '../host.ts'
import { DEFAULT_PROFILE, PROFILE_NAMES, type Profile, profileNamed } from '../profiles.ts'
import { plannedSecondsOf } from '../run-parameters.ts'

export const command: CommandDefinition = {
  name: 'plan',
  summary: 'say before a run what each criterion can prove at its length, and what it cannot',
  options: [
    { flags: '--profile <name>', help: `one of ${PROFILE_NAMES.join(', ')}`, fallback: DEFAULT_PROFILE },
    { flags: '--json', help: 'print JSON' },
  ],
  arguments: [],
  examples: ['./sonia plan --profile release'],
  async run(args, host) {
    const profile = profileNamed(textOption(args, 'profile') ?? DEFAULT_PROFILE)
    const plan = await planOf(profile, host)
    if (flagOption(args, 'json')) host.stdout.write(`${JSON.stringify(plan, null, 2)}\n`)
    else host.stdout.write(render(plan))
    return EXIT_CODES.passed
  },
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
