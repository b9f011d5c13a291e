import { readFileSync, writeFileSync } from 'node:fs'
import { type LogLineSchema, telemetryPage } from './telemetry-page.ts'

// Writes docs/telemetry.md; a test compares the committed page with what this renders.
const at = (path: string) => new URL(`../${path}`, import.meta.url)
const schema = JSON.parse(readFileSync(at('services/chassis/log-line.schema.json'), 'utf8')) as LogLineSchema
writeFileSync(at('docs/telemetry.md'), telemetryPage(schema))
