interface Survivor {
  readonly criterion: RegExp
  readonly change: RegExp
  readonly because: string
}

/** Changes that no history can tell from the right expression, or that another guard tells first; each with its reason. */
const SURVIVORS: readonly Survivor[] = [
  {
    criterion: /^soak\.load$/,
    change: /^(value|at_least): /,
    because:
      'the guards demand each scenario within 0.5 % of its plan, which is stricter; the value is there to be shown',
  },
  {
    criterion: /^soak\.coverage$/,
    change: /^(value: .*WIDE_W|at_least: )/,
    because: 'the guard "scraped" demands 99.9 % of the scrapes of each service, which is stricter',
  },
  {
    criterion: /^soak\.error-ratio-by-scenario$/,
    change: /^errors: .* or 0 \* .*WIDE_W/,
    because:
      'only brings zeros for scenarios without errors; one without a total is NO_SERIES whatever stands here',
  },
  {
    criterion: /^soak\.error-ratio-by-scenario$/,
    change: /^total: .*WIDE_W/,
    because:
      'the errors bring no number for a scenario that was not answered in the window: NO_SERIES all the same',
  },
  {
    criterion: /^soak\./,
    change: /^guard (host-not-saturated|clock-steady): .*max_over_time\(.*\) - min_over_time\((?!.*WIDE_W)/,
    because:
      'the other side of the subtraction keeps the matcher, and a series without its counterpart falls out',
  },
  {
    criterion: /^GateBudgetBurn /,
    change: /^expr: (?!.*service="api-gateway".*service="api-gateway")/,
    because:
      'the division goes service by service, and the other side keeps the matcher: what it does not hold falls out',
  },
  {
    criterion: /^CollectorLosesSpans /,
    change: /unless otelcol_\w+\{\} offset/,
    because: '`unless` compares all labels: a series under another job matches nothing on the left',
  },
  {
    criterion: /^observability\.(log-lines|exemplars)$/,
    change: /^at_least: 0\.5 instead of 1$/,
    because: 'counts are whole: at least half of one is at least one',
  },
]

export function reasonToSurvive(criterion: string, change: string): string | null {
  return SURVIVORS.find((one) => one.criterion.test(criterion) && one.change.test(change))?.because ?? null
}
