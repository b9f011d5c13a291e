/** Changes that no history can tell from the right expression, or that another guard tells first; each with its reason. */
const SURVIVORS: readonly {
  readonly criterion: RegExp
  readonly change: RegExp
  readonly because: string
}[] = []

export function reasonToSurvive(criterion: string, change: string): string | null {
  return SURVIVORS.find((one) => one.criterion.test(criterion) && one.change.test(change))?.because ?? null
}
