import { check } from 'k6'
import exec from 'k6/execution'
import http from 'k6/http'
import { identityOf } from './identity.ts'
import { count, observe } from './outcome.ts'
import type { SoakSettings } from './settings.ts'

const ROUTE = '/v1/action'
const TIMEOUT = '30s'
const FILES = 50

interface ToolCall {
  readonly tool_name: string
  readonly args: Readonly<Record<string, string>>
}

/** One tool call; the four tools take turns. */
export function actionOnce(settings: SoakSettings): void {
  const call = toolCallFor(exec.scenario.iterationInTest, settings)
  const { outcome } = sendAction(settings, call, 'action')
  check(outcome, { 'action executed as expected': (value) => value === 'ok' })
}

/** The file that every file.read of the run reads. */
export function prepareFiles(settings: SoakSettings): void {
  const { outcome, code } = sendAction(settings, writeCall(0), 'prepare')
  if (outcome !== 'ok') throw new Error(`the file for the soak could not be written: ${code}`)
}

function sendAction(settings: SoakSettings, call: ToolCall, step: string) {
  const { headers, correlationId } = step === 'prepare' ? preparing(settings) : identityOf(settings, step)
  const response = http.post(`${settings.gatewayUrl}${ROUTE}`, JSON.stringify(call), {
    headers,
    timeout: TIMEOUT,
    tags: { name: ROUTE },
  })
  const observation = observe(
    ROUTE,
    response,
    ({ ok, data, correlation_id }) =>
      ok === true &&
      correlation_id === correlationId &&
      data?.['status'] === 'executed' &&
      data['tool_name'] === call.tool_name,
  )
  if (step !== 'prepare') count(observation)
  return observation
}

/** Set-up runs outside any scenario, so its identity has no iteration. */
function preparing(settings: SoakSettings) {
  const correlationId = `k6_${settings.runMark}_prepare`
  const key = settings.apiKey === '' ? {} : { 'X-API-Key': settings.apiKey }
  return {
    correlationId,
    headers: { 'Content-Type': 'application/json', 'X-Correlation-ID': correlationId, ...key },
  }
}

function writeCall(file: number): ToolCall {
  return {
    tool_name: 'file.write',
    args: { path: `soak-${file}.txt`, content: `written by the soak, file ${file}\n` },
  }
}

function toolCallFor(iteration: number, settings: SoakSettings): ToolCall {
  const calls: ToolCall[] = [
    { tool_name: 'shell.run', args: { command: 'ls' } },
    { tool_name: 'file.read', args: { path: 'soak-0.txt' } },
    writeCall(1 + (iteration % FILES)),
  ]
  if (settings.pageUrl !== '') calls.push({ tool_name: 'browser.open', args: { url: settings.pageUrl } })
  return calls[iteration % calls.length] as ToolCall
}
