import { stdout } from 'node:process'
import { parseArgs } from 'node:util'
import { systemClock } from '#chassis/clock.ts'
import { createMetrics } from '#chassis/metrics.ts'
import { createRequestMetrics } from '#chassis/request-metrics.ts'
import { mulberry32 } from '#gates/statistics/reference-series.ts'
import { printMeasures } from './lib/bench-output.ts'
import { growthOfCosts } from './lib/cost-growth.ts'
import { interleave, medianOf } from './lib/paired-rounds.ts'

// How the answer to a scrape grows with the series in it: the registry of api-gateway with as many routes as it has, with
// three times and with ten times as many, each route answered with three codes, exemplars in its buckets.
const { values } = parseArgs({
  options: { short: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
})
const ROUTES_TODAY = 11
const ROUTES = [1, 3, 10].map((times) => times * ROUTES_TODAY)
const ROUNDS = values.short ? 3 : 15
const SCRAPES = values.short ? 3 : 30
const ANSWERS_PER_CODE = 200
const SEED = 20_261_125

interface Subject {
  /** Lines with a value in the answer. */
  readonly series: number
  readonly name: string
  readonly scrape: () => Promise<string>
}

const subjects = await Promise.all(ROUTES.map(subjectOf))
const times = await interleave(
  subjects.map(({ name, scrape }) => ({ name, run: () => medianTimeMs(scrape) })),
  ROUNDS,
)
const at = new Map(subjects.map(({ series, name }) => [series, times.get(name) ?? []]))
const plan = { title: 'scrape', size: 'series', unit: 'ms', random: mulberry32(SEED) }
const { measures, curve } = growthOfCosts(plan, [{ name: 'api-gateway', at }])
stdout.write(printMeasures('growth-scrape', measures, values.json, [curve]))

async function subjectOf(routes: number): Promise<Subject> {
  const metrics = createMetrics('api-gateway')
  const requests = createRequestMetrics(metrics, systemClock, () => undefined)
  const random = mulberry32(SEED)
  for (let route = 0; route < routes; route++) answerAll(requests.route(`/v1/route-${route}`, 'POST'), random)
  const text = await metrics.exposition()
  const series = text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length
  return { series, name: String(routes), scrape: () => metrics.exposition() }
}

function answerAll(
  route: ReturnType<ReturnType<typeof createRequestMetrics>['route']>,
  random: () => number,
): void {
  const traceId = '0af7651916cd43dd8448eb211c80319c'
  for (const code of ['OK', 'INVALID_ARGUMENT', 'UNAVAILABLE']) {
    for (let answer = 0; answer < ANSWERS_PER_CODE; answer++) {
      route.started('external')
      const durationMs = 10_000 ** random()
      const spanId = 'b7ad6b7169203331'
      const seen = { traceId, spanId, sampled: true, nowMs: systemClock.nowMs() }
      route.finished({ caller: 'external', code, durationMs, ...seen })
    }
  }
}

async function medianTimeMs(scrape: () => Promise<string>): Promise<number> {
  const tookMs: number[] = []
  for (let number = 0; number < SCRAPES; number++) {
    const startedMs = performance.now()
    await scrape()
    tookMs.push(performance.now() - startedMs)
  }
  return medianOf(tookMs)
}
