import { setTimeout as sleep } from 'node:timers/promises'
import type { ServiceName } from '#catalog'
import type { AccessParts } from './access.ts'
import type { Clock } from './clock.ts'
import type { SharedSettings } from './config.ts'
import type { ServiceMetrics } from './metrics.ts'
import { createOperatorCheck } from './operator-key.ts'
import type { StatePaths } from './state-paths.ts'
import { fetchJwks, requestToken } from './token-exchange.ts'
import { createTokenVerifier, type TokenVerifier } from './token-verifier.ts'
import { createTokenSource, type TokenIssuer, type TokenSource } from './tokens.ts'

export interface Trust {
  readonly access: AccessParts
  readonly tokens: TokenSource
  readonly useIssuer: (issuer: TokenIssuer) => void
  readonly useOperatorCheck: (check: (presented: string) => boolean) => void
}

export interface TrustParts {
  readonly name: ServiceName
  readonly clock: Clock
  readonly settings: SharedSettings
  readonly paths: StatePaths
  readonly metrics: ServiceMetrics
  readonly evaOrigin: string
  readonly verifier: TokenVerifier | undefined
  readonly tokens: TokenSource | undefined
}

/** Who we believe, and what we show to be believed. eva-os replaces both ends by its own issuer. */
export function createTrust(parts: TrustParts): Trust {
  const { name, clock, settings, evaOrigin } = parts
  let issuer: TokenIssuer | undefined
  let checkOperator = createOperatorCheck(name, parts.paths.config)
  const failures = parts.metrics.counter('sonia_service_auth_failures_total')
  const fetchKeys = async () => (issuer === undefined ? fetchJwks(evaOrigin) : issuer.jwks())
  const isGone = (kid: string) => issuer !== undefined && !issuer.holds(kid)
  const bySecret = createTokenSource({
    secretFile: parts.paths.secretFile,
    clock,
    request: (request) => requestToken(evaOrigin, name, request),
    pause: (ms) => sleep(ms),
  })
  return {
    access: {
      verifier: parts.verifier ?? createTokenVerifier({ audience: name, clock, fetchKeys, isGone }),
      apiKeys: settings.apiKeys,
      browser: settings,
      checkOperator: (presented) => checkOperator(presented),
      onFailure: (reason) => failures.inc({ reason }),
    },
    tokens: parts.tokens ?? {
      tokenFor: async (audience) =>
        issuer === undefined ? bySecret.tokenFor(audience) : (await issuer.issue(audience)).token,
      forget: (audience) => bySecret.forget(audience),
    },
    useIssuer: (given) => {
      issuer = given
    },
    useOperatorCheck: (check) => {
      checkOperator = check
    },
  }
}
