import { lstat, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

import { type RawAnswer, send } from '../corpus-client.ts'
import { notHeld, type Procedure, type ProcedureCall, resultOf, toolOf, withWorkFiles } from './procedure.ts'

/** Neighbours look at the published keys every five seconds, and at an unknown one no more often. */
const KEYS_WAIT_MS = 20_000
const POLL_MS = 250

/**
 * A token that openclaw accepts, and has verified already; then an operator throws the keys away. The answer to the
 * same token, once openclaw can know; and a token by the new key must be taken again.
 */
export const useRevokedKey: Procedure = async (call) => {
  const { run } = call
  const token = await run.tokens.forService('api-gateway', 'openclaw')
  const before = await sendWith(call, token)
  if (before.status !== 200) return notHeld(`the token did not hold before (${before.status})`)
  const revoked = await send(run.portBase, 'eva-os', {
    method: 'POST',
    path: '/v1/keys/revoke',
    headers: { 'x-operator-key': run.tokens.operatorKey },
  })
  if (revoked.status !== 200) return notHeld(`the keys were not thrown away (${revoked.status})`)
  run.tokens.forget()
  const answer = await until(
    () => sendWith(call, token),
    ({ status }) => status !== 200,
  )
  const fresh = async () => sendWith(call, await run.tokens.forService('api-gateway', 'openclaw'))
  const after = await until(fresh, ({ status }) => status === 200)
  return after.status === 200 ? resultOf(answer) : notHeld('no token holds any more')
}

async function sendWith(call: ProcedureCall, token: string): Promise<RawAnswer> {
  const { tool_name, args } = toolOf(call, 'call')
  return send(call.run.portBase, 'openclaw', {
    method: 'POST',
    path: '/execute',
    headers: { 'x-service-token': token },
    body: JSON.stringify({ tool_name, args, principal: call.principal }),
  })
}

async function until(
  ask: () => Promise<RawAnswer>,
  isReached: (answer: RawAnswer) => boolean,
): Promise<RawAnswer> {
  const deadlineMs = performance.now() + KEYS_WAIT_MS
  for (;;) {
    const answer = await ask()
    if (isReached(answer) || performance.now() > deadlineMs) return answer
    await pause(POLL_MS)
  }
}

/**
 * A request that changes state, caught and sent again byte for byte: it is answered and not done again. The answer is
 * the one to the same key with other arguments.
 */
export const replayAction: Procedure = (call) =>
  withWorkFiles(call, async (folder) => {
    const path = 'security/work/replayed.txt'
    const action = { tool_name: 'file.write', args: { path, content: 'once' }, idempotency_key: uniqueKey() }
    const first = await act(call, action)
    if (first.status !== 200) return resultOf(first)
    await rm(join(folder, 'replayed.txt'))
    const again = await act(call, action)
    const came = await lstat(join(folder, 'replayed.txt')).catch(() => null)
    if (again.status !== 200 || came !== null) return notHeld(`the replay was done again (${again.status})`)
    return resultOf(await act(call, { ...action, args: { path, content: 'other' } }))
  })

function uniqueKey(): string {
  return `replay-${process.pid}-${Math.round(performance.timeOrigin + performance.now())}`
}

function act(call: ProcedureCall, action: object): Promise<RawAnswer> {
  return send(call.run.portBase, 'api-gateway', {
    method: 'POST',
    path: '/v1/action',
    body: JSON.stringify(action),
  })
}
