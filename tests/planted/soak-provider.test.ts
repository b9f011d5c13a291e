import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { SERVICE_NAMES } from '#catalog'
import type { GateFile } from '#gates/evidence/write-bundle.ts'
import { withGateRun } from '#gates/runners/run-gates.ts'
import { gateRunOptionsForTest, verdictOf } from './planted-run.ts'

interface Row {
  readonly time: number
  readonly metric: string
  readonly series: string
  readonly value: number
}

const EACH_SERVICE: readonly string[] = SERVICE_NAMES
const LOADED_ROUTES = ['api-gateway /v1/chat', 'api-gateway /v1/action', 'pipecat /session/start']
const WHOLE = ['']

/** "Every minute, collect" of the seed's gate 2: each of its words, and where it stands. */
const SEED: readonly (readonly [words: string, metric: string, series: readonly string[]])[] = [
  ['p50 latency for each endpoint', 'latency_p50_seconds', LOADED_ROUTES],
  ['p95 latency for each endpoint', 'latency_p95_seconds', LOADED_ROUTES],
  ['p99 latency for each endpoint', 'latency_p99_seconds', LOADED_ROUTES],
  ['error rate', 'error_ratio', WHOLE],
  ['error rate: 5xx', 'error_5xx_ratio', WHOLE],
  ['error rate: 4xx', 'error_4xx_ratio', WHOLE],
  ['error rate: timeout', 'error_timeout_ratio', WHOLE],
  ['service restart count', 'service_restarts', EACH_SERVICE],
  ['memory usage per service', 'memory_bytes', EACH_SERVICE],
  ['active session count (Pipecat)', 'active_sessions', WHOLE],
  ['database query latency (Memory Engine)', 'db_query_p95_seconds', []],
]

test('every minute of a soak has every figure that the seed lists, in the JSON file and in the CSV', async () => {
  const home = await mkdtemp(join(tmpdir(), 'sonia-soak-metrics-'))
  try {
    const options = gateRunOptionsForTest({ gate: 'soak', profile: { soakSeconds: 115 } }, home)
    const [files, provider] = await withGateRun(options, ({ files: kept, judgement: { verdict } }) =>
      Promise.resolve([kept, verdict.gates[0] && verdictOf(verdict.gates[0], 'soak.provider')] as const),
    )
    const { step_seconds, rows } = JSON.parse(textOf(files, 'soak-metrics.json')) as {
      step_seconds: number
      rows: readonly Row[]
    }
    assert.equal(step_seconds, 60)
    const minutes = [...new Set(rows.map(({ time }) => time))].toSorted((a, b) => a - b)
    // Nearly two minutes of load and the rest of the window.
    assert.ok(minutes.length >= 2 && minutes.every((time, index) => time === (minutes[0] ?? 0) + index * 60))
    const [loaded] = minutes
    for (const [words, metric, series] of SEED) {
      const found = rows.filter((row) => row.metric === metric && row.time === loaded)
      const names = found.map((row) => row.series)
      assert.ok(names.length > 0, `${words}: nothing`)
      for (const name of series)
        assert.ok(names.includes(name), `${words}: ${name} is not in ${names.join()}`)
    }
    assertSameInCsv(rows, textOf(files, 'soak-metrics.csv'))
    assert.equal(provider, 'PASS')
  } finally {
    await rm(home, { recursive: true, force: true })
  }
})

function textOf(files: readonly GateFile[], name: string): string {
  const content = files.find(({ path }) => path === `gates/soak/${name}`)?.content
  if (typeof content !== 'string') throw new Error(`there is no ${name}`)
  return content
}

function assertSameInCsv(rows: readonly Row[], csv: string): void {
  const [head, ...lines] = csv.trimEnd().split('\n')
  assert.equal(head, 'time,metric,series,value')
  const expected = rows.map(({ time, metric, series, value }) =>
    [new Date(time * 1000).toISOString().replace('.000', ''), metric, series, value].join(','),
  )
  assert.deepEqual(lines, expected)
}
