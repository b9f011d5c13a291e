import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { SERVICE_NAMES } from '#catalog'
import { createRequestRate } from '../approvals/request-rate.ts'
import type { Context, Parts } from '../context.ts'
import { createGate } from '../gate/gate.ts'
import { createTokenMint, type TokenMint } from '../keys/issue-token.ts'
import { holdsBootstrapSecret } from '../operators/bootstrap-secret.ts'
import { createProbeBoard } from '../probes/probe-board.ts'
import { probeService } from '../probes/probe-service.ts'
import { addApprovalRoutes } from './approvals.ts'
import { addGateRoute } from './gate.ts'
import { addObserveRoutes } from './observe.ts'
import { addTokenRoutes } from './tokens.ts'

/** Anybody can ask with a wrong secret: so many of it are recorded per name. */
const REFUSED_TOKEN_RECORDS = { burst: 20, perMinute: 10 }

export function addRoutes(ctx: Context, parts: Parts): void {
  const { approvals, guard, operators } = parts
  addTokens(ctx, parts)
  addGate(ctx, parts)
  addApprovalRoutes(ctx.app, { approvals, nowMs: guard.nowMs, operatorOf: operators.nameOf })
  addObservation(ctx, parts)
}

function addTokens(ctx: Context, { state, guard, operators, ring }: Parts): void {
  const { app, clock, metrics } = ctx
  const mint: TokenMint = createTokenMint({
    signing: ring.signing,
    nowMs: guard.nowMs,
    newId: () => randomBytes(16).toString('base64url'),
    lifeSeconds: ctx.config.token_seconds,
  })
  ctx.useTokenIssuer({
    jwks: ring.jwks,
    holds: ring.holds,
    issue: (audience) => mint.issue('eva-os', audience),
  })
  const refusals = metrics.counter('sonia_service_auth_failures_total')
  const recordedRefusals = createRequestRate(REFUSED_TOKEN_RECORDS)
  addTokenRoutes(app, {
    mint,
    ring,
    holdsSecret: (holder, presented) =>
      holdsBootstrapSecret(join(ctx.paths.run, 'secrets'), holder, presented),
    operatorOf: operators.nameOf,
    onIssued: (holder, audience, { jti, by }) => {
      state.record('token_issued', { holder, audience, jti, by }, clock.nowMs())
    },
    onRefused: (holder) => {
      refusals.inc({ reason: holder === 'operator' ? 'operator_key' : 'bootstrap_secret' })
      if (recordedRefusals.take(holder, clock.monotonicMs()) > 0) return
      state.record('token_refused', { holder }, clock.nowMs())
    },
  })
}

function addGate(ctx: Context, { state, guard, policies, approvals }: Parts): void {
  const { app, clock, config, metrics } = ctx
  const decisions = metrics.counter('sonia_policy_decisions_total')
  const gate = createGate({
    policy: policies.current,
    approvals,
    rate: createRequestRate({ burst: config.approval_burst, perMinute: config.approvals_per_minute }),
    monotonicMs: () => clock.monotonicMs(),
    approvalSeconds: config.approval_seconds,
    record: (event, body) => state.record(event, body, guard.nowMs()),
    onDecision: (decision, tier) => decisions.inc({ decision, tier }),
  })
  addGateRoute(app, gate, guard.nowMs)
}

function addObservation(ctx: Context, { state, policies, approvals, ring }: Parts): void {
  const board = createProbeBoard({
    names: SERVICE_NAMES.filter((name) => name !== ctx.name),
    probe: (name) => probeService(name, ctx),
    monotonicMs: () => ctx.clock.monotonicMs(),
  })
  const probing = setInterval(() => void board.probeAll(), ctx.config.probe_seconds * 1000)
  ctx.onStop('probes', () => clearInterval(probing))
  addObserveRoutes(ctx.app, {
    board,
    breakerOf: (name) => ctx.neighbours.state(name).breaker,
    audit: state.audit,
    status: () => ({
      run_id: ctx.settings.runId,
      policy: { version: policies.current().version, problems: policies.problems().length },
      approvals: { open: approvals.open().length },
      keys: ring.describe(),
      audit: { entries: state.audit.head().seq, loss: state.loss },
    }),
  })
}
