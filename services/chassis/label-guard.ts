import type { MetricDefinition } from './metric-definition.ts'

/** Distinct values that an open label (a model, an operation) may take before further ones are lumped together. */
const OPEN_VALUES_MAX = 100
const OTHER = 'other'

export type Labels = Record<string, string | number>

/**
 * Keeps cardinality bounded whatever callers pass: a value outside a closed list, or past the bound of an open label,
 * is counted as `other`. A label that the definition does not have is dropped rather than thrown inside a request.
 */
export function createLabelGuard(definition: MetricDefinition): (labels: Readonly<Labels>) => Labels {
  const guards = Object.entries(definition.labels).map(
    ([name, values]) => [name, values === null ? boundedValue() : closedValue(values)] as const,
  )
  return (labels) => {
    const guarded: Labels = {}
    for (const [name, guard] of guards) guarded[name] = guard(String(labels[name] ?? ''))
    return guarded
  }
}

function closedValue(values: readonly string[]): (value: string) => string {
  const known = new Set(values)
  return (value) => (known.has(value) ? value : OTHER)
}

function boundedValue(): (value: string) => string {
  const seen = new Set<string>()
  return (value) => {
    if (seen.has(value)) return value
    if (seen.size >= OPEN_VALUES_MAX) return OTHER
    seen.add(value)
    return value
  }
}
