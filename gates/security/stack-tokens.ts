import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ServiceName } from '#catalog'
import { type CorpusTokens, parseObject, send } from './corpus-client.ts'

/** A case must not outlive the token it uses; a race asks again and again. */
const TOKEN_USE_SHARE = 0.4

/** The credentials of a running stack, read from its state folder as the supervisor left them there. */
export async function tokensOfStack(stack: {
  readonly home: string
  readonly portBase: number
}): Promise<CorpusTokens> {
  const operatorKey = (await readFile(join(stack.home, 'config', 'operator.key'), 'utf8')).trim()
  const held = new Map<string, { readonly token: string; readonly untilMs: number }>()
  return {
    operatorKey,
    forget: () => held.clear(),
    forService: async (caller, audience) => {
      const key = `${caller} ${audience}`
      const known = held.get(key)
      if (known !== undefined && performance.now() < known.untilMs) return known.token
      const { token, lifeMs } = await requestToken(stack, caller, audience)
      held.set(key, { token, untilMs: performance.now() + lifeMs * TOKEN_USE_SHARE })
      return token
    },
  }
}

async function requestToken(
  { home, portBase }: { readonly home: string; readonly portBase: number },
  caller: ServiceName,
  audience: ServiceName,
): Promise<{ readonly token: string; readonly lifeMs: number }> {
  const secret = await readFile(join(home, 'run', 'secrets', caller), 'utf8')
  const { status, text } = await send(portBase, 'eva-os', {
    method: 'POST',
    path: '/v1/tokens',
    headers: { 'x-service-name': caller, 'x-bootstrap-secret': secret.trim() },
    body: JSON.stringify({ audience }),
  })
  const { token, expires_at: expiresAt } = parseObject(text) ?? {}
  if (typeof token !== 'string') throw new Error(`eva-os gave no token (${status})`)
  return { token, lifeMs: Date.parse(String(expiresAt)) - Date.now() }
}
