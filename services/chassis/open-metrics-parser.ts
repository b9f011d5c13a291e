/**
 * A strict reader of OpenMetrics text, written against the specification and not against our writer: the second pair of
 * eyes beside Prometheus' own parser. Throws at the first rule that is broken.
 */
export interface MetricFamily {
  readonly name: string
  type: string
  help?: string
  unit?: string
  readonly samples: Sample[]
}

interface Sample {
  readonly name: string
  readonly labels: ReadonlyMap<string, string>
  readonly value: number
  readonly exemplar?: { readonly labels: ReadonlyMap<string, string>; readonly value: number }
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const NUMBER = '[+-]?(?:\\d+(?:\\.\\d+)?(?:[eE][+-]?\\d+)?|[iI][nN][fF]|[nN][aA][nN])'
const LABELS = '\\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\["\\\\n])*"(?:,|(?=\\})))*\\}'
const META = new RegExp(`^# (TYPE|HELP|UNIT) (${NAME}) (.*)$`)
const SAMPLE = new RegExp(
  `^(${NAME})(${LABELS})? (${NUMBER})(?: (${NUMBER}))?(?: # (${LABELS}) (${NUMBER})(?: ${NUMBER})?)?$`,
)
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g
const EXEMPLAR_CHARS_MAX = 128

/** Sample suffixes that each type allows. */
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  counter: ['_total', '_created'],
  gauge: [''],
  unknown: [''],
  info: ['_info'],
  histogram: ['_bucket', '_sum', '_count', '_created'],
  summary: ['', '_sum', '_count', '_created'],
}

export function parseOpenMetrics(text: string): Map<string, MetricFamily> {
  if (!text.endsWith('# EOF\n')) throw new Error('The document does not end with # EOF')
  const families = new Map<string, MetricFamily>()
  const seen = new Set<string>()
  let current: MetricFamily | undefined
  for (const [index, line] of text.slice(0, -'# EOF\n'.length).split('\n').slice(0, -1).entries()) {
    const where = `line ${index + 1}: ${line}`
    const meta = META.exec(line)
    if (meta !== null) current = readMeta(meta, families, current, where)
    else readSample(line, current, seen, where)
  }
  for (const family of families.values()) checkFamily(family)
  return families
}

function readMeta(
  [, kind, name = '', rest = '']: RegExpExecArray,
  families: Map<string, MetricFamily>,
  current: MetricFamily | undefined,
  where: string,
): MetricFamily {
  const family = current?.name === name ? current : openFamily(name, families, where)
  if (family.samples.length > 0) throw new Error(`Metadata after samples, ${where}`)
  if (kind === 'TYPE') {
    if (SUFFIXES[rest] === undefined) throw new Error(`Unknown type, ${where}`)
    family.type = rest
  } else if (kind === 'UNIT') {
    if (!name.endsWith(`_${rest}`)) throw new Error(`UNIT is no suffix of the name, ${where}`)
    family.unit = rest
  } else family.help = rest
  return family
}

function openFamily(name: string, families: Map<string, MetricFamily>, where: string): MetricFamily {
  if (families.has(name)) throw new Error(`The family comes twice, ${where}`)
  const family = { name, type: 'unknown', samples: [] }
  families.set(name, family)
  return family
}

function readSample(line: string, family: MetricFamily | undefined, seen: Set<string>, where: string): void {
  const match = SAMPLE.exec(line)
  if (match === null) throw new Error(`Not a sample, ${where}`)
  const [, name = '', labelText = '', value = '', , exemplarLabels, exemplarValue] = match
  if (family === undefined || !belongs(name, family))
    throw new Error(`The sample is in no open family, ${where}`)
  const labels = readLabels(labelText, where)
  const series = `${name}${labelKey(labels)}`
  if (seen.has(series)) throw new Error(`The series comes twice, ${where}`)
  seen.add(series)
  const sample: Sample = { name, labels, value: toNumber(value) }
  if (exemplarLabels === undefined) family.samples.push(sample)
  else
    family.samples.push({
      ...sample,
      exemplar: readExemplar(name, exemplarLabels, exemplarValue ?? '', where),
    })
}

function readExemplar(name: string, labelText: string, value: string, where: string) {
  if (!name.endsWith('_bucket') && !name.endsWith('_total'))
    throw new Error(`No exemplar may stand here, ${where}`)
  const labels = readLabels(labelText, where)
  const chars = [...labels].flat().join('').length
  if (chars > EXEMPLAR_CHARS_MAX) throw new Error(`The exemplar is too long, ${where}`)
  return { labels, value: toNumber(value) }
}

function belongs(sampleName: string, { name, type }: MetricFamily): boolean {
  return (SUFFIXES[type] ?? []).some((suffix) => sampleName === `${name}${suffix}`)
}

function readLabels(text: string, where: string): Map<string, string> {
  const labels = new Map<string, string>()
  for (const [, name = '', value = ''] of text.matchAll(LABEL)) {
    if (labels.has(name)) throw new Error(`A label comes twice, ${where}`)
    labels.set(name, value)
  }
  return labels
}

function toNumber(text: string): number {
  return Number(text.replace(/inf$/i, 'Infinity'))
}

/** The same for the same labels, whatever their order. */
function labelKey(labels: ReadonlyMap<string, string>): string {
  return JSON.stringify(
    [...labels].map(([label, value]) => `${label}=${value}`).sort((a, b) => (a < b ? -1 : 1)),
  )
}

function checkFamily(family: MetricFamily): void {
  if (family.type === 'histogram') checkHistogram(family)
  if (family.type === 'counter' && family.samples.some(({ value }) => !(value >= 0))) {
    throw new Error(`A counter below 0: ${family.name}`)
  }
}

/** Per label set: growing bounds, counts that do not fall, +Inf there and equal to _count. */
function checkHistogram({ name, samples }: MetricFamily): void {
  const sets = new Map<string, Sample[]>()
  for (const sample of samples) {
    const key = labelKey(new Map([...sample.labels].filter(([label]) => label !== 'le')))
    sets.set(key, [...(sets.get(key) ?? []), sample])
  }
  for (const [key, set] of sets) {
    const buckets = set.filter((sample) => sample.name === `${name}_bucket`)
    const bounds = buckets.map(({ labels }) => toNumber(labels.get('le') ?? 'NaN'))
    const isSorted = bounds.every((bound, index) => index === 0 || bound > (bounds[index - 1] ?? Number.NaN))
    const isRising = buckets.every(
      ({ value }, index) => index === 0 || value >= (buckets[index - 1]?.value ?? 0),
    )
    const count = set.find((sample) => sample.name === `${name}_count`)?.value
    if (!isSorted || !isRising) throw new Error(`Buckets out of order: ${name}${key}`)
    if (bounds.at(-1) !== Number.POSITIVE_INFINITY || buckets.at(-1)?.value !== count) {
      throw new Error(`+Inf and _count differ: ${name}${key}`)
    }
  }
}
