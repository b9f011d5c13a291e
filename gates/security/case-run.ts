import type { ServiceName } from '#catalog'
import type { HttpRequest, RawRequest, ToolRequest, Variant } from './corpus-case.ts'
import type { CorpusWorld } from './corpus-world.ts'
import {
  type CorpusTokens,
  type RawAnswer,
  asObject,
  forgedToken,
  parseObject,
  send,
  sendRaw,
} from './corpus-client.ts'

/** What sending a case needs. */
export interface CaseRun {
  readonly portBase: number
  readonly tokens: CorpusTokens
  readonly world: CorpusWorld
  /** Iterations of each race; the profile's figure. */
  readonly raceIterations: number
}

/** Replaces `{{name}}` in every text of a request. */
function fillIn<T>(value: T, values: Readonly<Record<string, string>>): T {
  if (typeof value === 'string') {
    return value.replace(/\{\{([a-z.-]+)\}\}/g, (whole, name: string) => values[name] ?? whole) as T
  }
  if (Array.isArray(value)) return value.map((one: unknown) => fillIn(one, values)) as T
  const object = asObject(value)
  if (object === null) return value
  return Object.fromEntries(Object.entries(object).map(([key, one]) => [key, fillIn(one, values)])) as T
}

/** The door's part of a request: no token, one that nobody signed, or a good one. */
async function credentials(run: CaseRun, variant: Variant): Promise<Record<string, string>> {
  if (variant === 'no_token') return {}
  const token =
    variant === 'forged_token' ? forgedToken() : await run.tokens.forService('api-gateway', 'openclaw')
  return { 'x-service-token': token }
}

/** A tool call to openclaw, as api-gateway would pass it on for `principal`. */
export async function sendTool(
  run: CaseRun,
  tool: Omit<ToolRequest, 'kind'>,
  call: { readonly principal: string; readonly variant?: Variant; readonly approvalToken?: string },
): Promise<RawAnswer> {
  const { tool_name, args, extra } = fillIn(tool, run.world.values)
  const token = call.approvalToken === undefined ? {} : { approval_token: call.approvalToken }
  const body = JSON.stringify({ tool_name, args, principal: call.principal, ...token, ...extra })
  const headers = await credentials(run, call.variant ?? 'service_token')
  return send(run.portBase, 'openclaw', { method: 'POST', path: '/execute', headers, body })
}

export async function sendHttp(run: CaseRun, http: HttpRequest): Promise<RawAnswer> {
  const { service, method, path, headers, body, fill } = fillIn(
    http,
    await valuesWithTokens(run, http.service),
  )
  const filler = fill === undefined ? '' : fill.text.repeat(fill.times)
  const text = body?.replace('{{fill}}', filler)
  return send(run.portBase, service, {
    method,
    path,
    body: text,
    ...(headers === undefined ? {} : { headers }),
  })
}

export async function sendLines(run: CaseRun, { service, lines }: RawRequest): Promise<RawAnswer> {
  const values = await valuesWithTokens(run, service)
  return sendRaw(run.portBase, service, lines.map((line) => fillIn(line, values)).join('\r\n'))
}

/** `{{token}}` is api-gateway's for the service asked, `{{wrong-audience}}` its token for another one. */
async function valuesWithTokens(run: CaseRun, service: ServiceName): Promise<Record<string, string>> {
  const other = service === 'memory-engine' ? 'openclaw' : 'memory-engine'
  const [token, wrongAudience] = await Promise.all([
    run.tokens.forService('api-gateway', service),
    run.tokens.forService('api-gateway', other),
  ])
  return {
    ...run.world.values,
    token,
    'wrong-audience': wrongAudience,
    forged: forgedToken(),
    'operator-key': run.tokens.operatorKey,
  }
}

/** Asks for a destructive call; the id of the approval request that comes back. */
export async function askForApproval(
  run: CaseRun,
  tool: Omit<ToolRequest, 'kind'>,
  principal: string,
): Promise<string> {
  const { text } = await sendTool(run, tool, { principal })
  const details = asObject(asObject(parseObject(text)?.['error'])?.['details'])
  const id = asObject(details?.['approval_request'])?.['token_id']
  if (typeof id !== 'string') throw new Error(`no approval was asked for: ${text.slice(0, 300)}`)
  return id
}

/** A person's decision, with the operator's credential. */
export async function decide(
  run: CaseRun,
  tokenId: string,
  decision: 'approve' | 'deny',
): Promise<RawAnswer> {
  const body = JSON.stringify({ token_id: tokenId, decision })
  const headers = { 'x-operator-key': run.tokens.operatorKey }
  return send(run.portBase, 'eva-os', { method: 'POST', path: '/approve', headers, body })
}

/** Denies what of the corpus still waits for a person, so that the next class does not meet the limit of open requests. */
export async function denyOpenApprovals(run: CaseRun): Promise<void> {
  const headers = { 'x-operator-key': run.tokens.operatorKey }
  const { text } = await send(run.portBase, 'eva-os', { method: 'GET', path: '/approvals', headers })
  const list = parseObject(text)?.['approvals']
  for (const approval of Array.isArray(list) ? list : []) {
    const one = asObject(approval)
    if (one?.['status'] !== 'pending') continue
    const { token_id: id, principal } = one
    if (typeof id !== 'string' || typeof principal !== 'string' || !principal.startsWith('gate3-')) continue
    await decide(run, id, 'deny')
  }
}
