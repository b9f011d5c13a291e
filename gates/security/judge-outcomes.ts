import type { CaseOutcome, CorpusClass, Expectation, Received } from './corpus-case.ts'

/** True if what came back is what had to come back. Status, code and reason are compared exactly. */
export function isAsExpected(expected: Expectation, received: Received, text: string): boolean {
  if (expected.status !== received.status || expected.code !== received.code) return false
  if (expected.reason !== received.reason) return false
  if (expected.execution !== undefined && expected.execution !== received.execution) return false
  return expected.contains === undefined || text.includes(expected.contains)
}

export interface CorpusCounts {
  /** Attacks that only a control behind the door could refuse: with a service token, with an approval. */
  readonly attacks: number
  readonly attacks_refused: number
  readonly door: number
  readonly door_refused: number
  readonly benign: number
  readonly benign_served: number
  readonly canaries_touched: number
  readonly classes: readonly CorpusClass[]
}

export function countOutcomes(outcomes: readonly CaseOutcome[]): CorpusCounts {
  const isDoor = ({ kind, variant }: CaseOutcome) =>
    kind === 'attack' && (variant === 'no_token' || variant === 'forged_token')
  const door = outcomes.filter(isDoor)
  const attacks = outcomes.filter((outcome) => outcome.kind === 'attack' && !isDoor(outcome))
  const benign = outcomes.filter(({ kind }) => kind === 'benign')
  const passed = (list: readonly CaseOutcome[]) => list.filter((outcome) => outcome.passed).length
  return {
    attacks: attacks.length,
    attacks_refused: passed(attacks),
    door: door.length,
    door_refused: passed(door),
    benign: benign.length,
    benign_served: passed(benign),
    canaries_touched: outcomes.filter(({ touched }) => touched.length > 0).length,
    classes: [...new Set(outcomes.map((outcome) => outcome.class))].toSorted(),
  }
}

/** Ids (with variant) whose outcome differs between two runs, or that only one of them has. */
export function differingOutcomes(
  first: readonly CaseOutcome[],
  second: readonly CaseOutcome[],
): readonly string[] {
  const keyOf = ({ id, variant }: CaseOutcome) => `${id} ${variant}`
  const texts = (list: readonly CaseOutcome[]) =>
    new Map(list.map((one) => [keyOf(one), JSON.stringify(one)]))
  const [one, other] = [texts(first), texts(second)]
  const keys = new Set([...one.keys(), ...other.keys()])
  return [...keys].filter((key) => one.get(key) !== other.get(key)).toSorted()
}
