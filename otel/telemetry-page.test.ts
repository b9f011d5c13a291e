import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { type LogLineSchema, telemetryPage } from './telemetry-page.ts'

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')

test('docs/telemetry.md is what the registries render', () => {
  const schema = JSON.parse(read('services/chassis/log-line.schema.json')) as LogLineSchema
  assert.equal(read('docs/telemetry.md'), telemetryPage(schema), 'run: node otel/telemetry-page-main.ts')
})
