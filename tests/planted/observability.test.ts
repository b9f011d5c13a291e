import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PROFILES } from '#gates/profiles.ts'
import { misbehaving, runPlanted, verdictOf } from './planted-run.ts'

test('a Collector that is dead fails gate 5: no request can be followed', async () => {
  const result = await runPlanted({
    gate: 'observability',
    profile: PROFILES.ci,
    planted: { environment: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' } },
  })
  assert.equal(result.verdict, 'FAIL')
  assert.equal(verdictOf(result, 'observability.followed'), 'FAIL')
  assert.equal(verdictOf(result, 'observability.exemplars'), 'FAIL')
})

test('a service that forgets correlation ids and writes one bad log line fails gate 5 for both', async () => {
  const result = await runPlanted({
    gate: 'observability',
    profile: PROFILES.ci,
    planted: { programs: misbehaving({ openclaw: 'breaks-its-telemetry' }) },
  })
  assert.equal(result.verdict, 'FAIL')
  assert.equal(verdictOf(result, 'observability.followed'), 'FAIL')
  assert.equal(verdictOf(result, 'observability.bad-log-lines'), 'FAIL')
  assert.equal(verdictOf(result, 'observability.answered'), 'PASS')
})
