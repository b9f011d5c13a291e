import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { exportJWK, generateKeyPair, type JSONWebKeySet, SignJWT } from 'jose'
import type { TObject } from 'typebox'
import { CATALOG, SERVICE_NAMES, type ServiceName } from '#catalog'
import { type BuildOptions, type BuiltService, buildService } from './build-service.ts'
import { systemClock } from './clock.ts'
import type { ServiceDefinition } from './define-service.ts'
import { createTokenVerifier, TOKEN_ISSUER, type TokenVerifier } from './token-verifier.ts'
import type { TokenSource } from './tokens.ts'

/** Issues real tokens under a key of its own, and verifies them as a service would. */
export interface TokenMaker {
  make(caller: string, audience: string, claims?: TokenClaims): Promise<string>
  verifierFor(audience: ServiceName): TokenVerifier
  sourceFor(caller: ServiceName): TokenSource
  readonly jwks: JSONWebKeySet
}

interface TokenClaims {
  readonly issuer?: string
  readonly lifetimeSeconds?: number
  readonly issuedAt?: number
  readonly kid?: string
}

export async function createTokenMaker(): Promise<TokenMaker> {
  const kid = randomUUID()
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { extractable: true })
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid, alg: 'EdDSA', use: 'sig' }] }
  const make: TokenMaker['make'] = (caller, audience, claims = {}) => {
    const issuedAt = claims.issuedAt ?? Math.floor(Date.now() / 1000)
    return new SignJWT()
      .setProtectedHeader({ alg: 'EdDSA', kid: claims.kid ?? kid })
      .setIssuer(claims.issuer ?? TOKEN_ISSUER)
      .setSubject(caller)
      .setAudience(audience)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + (claims.lifetimeSeconds ?? 300))
      .setJti(randomUUID())
      .sign(privateKey)
  }
  return {
    make,
    jwks,
    verifierFor: (audience) =>
      createTokenVerifier({ audience, clock: systemClock, fetchKeys: async () => jwks }),
    sourceFor: (caller) => ({ tokenFor: (audience) => make(caller, audience), forget: () => undefined }),
  }
}

export interface TestService extends BuiltService {
  readonly home: string
  readonly tokens: TokenMaker
  /** Headers of a call by a service that the catalogue lets call this one (or by the one named). */
  headersFrom(caller?: ServiceName): Promise<Record<string, string>>
}

export interface TestOptions extends Partial<BuildOptions> {
  readonly tokenMaker?: TokenMaker
}

/**
 * buildService in a state folder of its own, with real tokens and without eva-os. `stop` removes the folder.
 * The test shares the event loop, so that its own work would be the overload that is refused: the loop counts
 * as never late unless `loopDelayMs` says otherwise.
 */
export async function buildForTest<S extends TObject>(
  service: ServiceDefinition<S>,
  options: TestOptions = {},
): Promise<TestService> {
  const home = options.home ?? (await mkdtemp(join(tmpdir(), 'sonia-')))
  const tokens = options.tokenMaker ?? (await createTokenMaker())
  const { tokenMaker: _, ...rest } = options
  const built = await buildService(service, {
    runId: 'test',
    loopDelayMs: () => 0,
    ...(service.name === 'eva-os' ? {} : { verifier: tokens.verifierFor(service.name) }),
    tokens: tokens.sourceFor(service.name),
    ...rest,
    home,
  })
  return {
    ...built,
    home,
    tokens,
    headersFrom: async (caller = anyCallerOf(service.name)) => ({
      'x-service-token': await tokens.make(caller, service.name),
    }),
    stop: async () => {
      await built.stop()
      if (options.home === undefined) await rm(home, { recursive: true, force: true })
    },
  }
}

/** The same on a real port that the system chooses. */
export async function startForTest<S extends TObject>(
  service: ServiceDefinition<S>,
  options: TestOptions = {},
): Promise<TestService & { readonly url: string }> {
  const started = await buildForTest(service, options)
  const url = await started.app.listen({ host: '127.0.0.1', port: 0 })
  return { ...started, url, port: Number(new URL(url).port) }
}

/** Polls until the condition holds; fails with its text after five seconds. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  limitMs = 5_000,
): Promise<void> {
  const endMs = performance.now() + limitMs
  while (!(await condition())) {
    if (performance.now() > endMs) throw new Error(`Not within ${limitMs} ms: ${condition.toString()}`)
    await sleep(10)
  }
}

function anyCallerOf(callee: ServiceName): ServiceName {
  const caller = SERVICE_NAMES.find((name) => CATALOG[name].mayCall.includes(callee))
  if (caller === undefined) throw new Error(`Nobody may call ${callee}`)
  return caller
}
