import exec from 'k6/execution'
import type { SoakSettings } from './settings.ts'

/** Headers that make one request findable in logs and traces. */
export interface Identity {
  readonly correlationId: string
  readonly headers: Readonly<Record<string, string>>
}

const TRACE_ID_HEX = 32
const SPAN_ID_HEX = 16

/** One identity per request: scenario, iteration and step make it unique in the run. */
export function identityOf(settings: SoakSettings, step: string): Identity {
  const { name, iterationInTest } = exec.scenario
  const correlationId = `k6_${settings.runMark}_${name}_${iterationInTest}_${step}`.slice(0, 64)
  return {
    correlationId,
    headers: {
      'Content-Type': 'application/json',
      'X-Correlation-ID': correlationId,
      traceparent: `00-${hex(TRACE_ID_HEX)}-${hex(SPAN_ID_HEX)}-01`,
      ...(settings.apiKey === '' ? {} : { 'X-API-Key': settings.apiKey }),
    },
  }
}

/** Never all zeros, which a trace id may not be. */
function hex(digits: number): string {
  let text = '1'
  while (text.length < digits) text += Math.floor(Math.random() * 16).toString(16)
  return text
}
