/** Writes prometheus/rules/alerts.rules.yml. */
import { writeFileSync } from 'node:fs'
import { renderAlertRules } from './render-rules.ts'
import { PRODUCTION_TIMING } from './timing.ts'

const target = new URL('../../prometheus/rules/alerts.rules.yml', import.meta.url)
writeFileSync(target, renderAlertRules(PRODUCTION_TIMING))
