import { prometheusClient } from '../engine/prometheus-client.ts'
import type { GateResult, RangeAnswer, RunVerdict } from '../engine/types.ts'

/** How something went over a gate's window: nothing is judged by it, a person sees it. */
export interface Course {
  readonly gate: string
  readonly id: string
  readonly title: string
  readonly unit: string
  readonly answer: RangeAnswer
}

interface CourseDefinition {
  readonly id: string
  readonly title: string
  readonly unit: string
  /** `$R` is the window of rates. */
  readonly query: string
}

const GATE = 'soak'
const POINTS_MAX = 120
const SCRAPES_PER_RATE = 8

const COURSES: readonly CourseDefinition[] = [
  {
    id: 'requests',
    title: 'Requests per second, by service',
    unit: 'count',
    query: 'sum by (service) (rate(sonia_http_request_duration_seconds_count{job="sonia"}[$R]))',
  },
  {
    id: 'latency',
    title: '95th percentile of the time that requests take, by service',
    unit: 'seconds',
    query:
      'histogram_quantile(0.95, sum by (service, le) (rate(sonia_http_request_duration_seconds_bucket{job="sonia"}[$R])))',
  },
  {
    id: 'memory',
    title: 'Resident memory, by service',
    unit: 'bytes',
    query: 'max by (service) (process_resident_memory_bytes{job="sonia"})',
  },
  {
    id: 'not-ok',
    title: 'Answers that are not OK, per second, by code',
    unit: 'count',
    query: 'sum by (code) (rate(sonia_http_request_duration_seconds_count{job="sonia",code!="OK"}[$R]))',
  },
]

/** Asks for the courses of a run's soak; what has no data, or no clean answer, has no picture. */
export async function askCourses(prometheusUrl: string, verdict: RunVerdict): Promise<readonly Course[]> {
  const gate = verdict.gates.find((one) => one.gate === GATE)
  if (gate === undefined) return []
  const asked = await Promise.all(COURSES.map((one) => ask(prometheusUrl, one, gate, verdict)))
  return asked.filter(({ answer }) => answer.fault === null && answer.data.length > 0)
}

async function ask(
  url: string,
  { id, title, unit, query }: CourseDefinition,
  { gate, start, end }: GateResult,
  verdict: RunVerdict,
): Promise<Course> {
  const scrape = Number(verdict.parameters['S'])
  const step = Math.max(scrape, Math.ceil((end - start) / POINTS_MAX))
  const rateWindow = `${Math.max(SCRAPES_PER_RATE * scrape, 2 * step)}s`
  const resolved = query.replaceAll('$R', rateWindow)
  const answer = await prometheusClient({ url }).range(resolved, { start, end, step })
  return { gate, id, title, unit, answer }
}
