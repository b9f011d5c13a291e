import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { CATALOG, SERVICE_NAMES } from '#catalog'
import { defineService, type ServiceContext } from '#chassis/define-service.ts'
import { ServiceError } from '#chassis/errors.ts'
import { approvalTable } from './approvals/approval-table.ts'
import { type Approvals, createApprovals } from './approvals/approvals.ts'
import { createRequestRate } from './approvals/request-rate.ts'
import { type ClockGuard, createClockGuard } from './clock/clock-guard.ts'
import { EvaOsConfig } from './config.ts'
import { createGate } from './gate/gate.ts'
import { createTokenMint } from './keys/issue-token.ts'
import { keyFiles } from './keys/key-files.ts'
import { type KeyRing, openKeyRing } from './keys/key-ring.ts'
import { startMaintenance } from './maintenance.ts'
import { holdsBootstrapSecret } from './operators/bootstrap-secret.ts'
import { createOperators, type Operators } from './operators/operators.ts'
import { judge } from './policy/judge.ts'
import { createPolicyStore, type PolicyStore } from './policy/policy-store.ts'
import { createProbeBoard } from './probes/probe-board.ts'
import { probeService } from './probes/probe-service.ts'
import { addApprovalRoutes } from './routes/approvals.ts'
import { addGateRoute } from './routes/gate.ts'
import { addObserveRoutes } from './routes/observe.ts'
import { addTokenRoutes } from './routes/tokens.ts'
import { openState, type State } from './store/open-state.ts'

type Context = ServiceContext<EvaOsConfig>

/** A token may reach its verifier this much after it was signed, and clocks are read in whole seconds. */
const RETIRE_SLACK_MS = 10_000
const REFUSED_TOKEN_RECORDS = { burst: 20, perMinute: 10 }

export const service = defineService({
  name: 'eva-os',
  config: EvaOsConfig,
  async setup(ctx) {
    const state = openState(ctx.paths.data, ctx.clock.nowMs())
    ctx.onStop('state', state.close)
    ctx.health.degrade('audit', state.loss)
    ctx.health.addDependency('database', async () => state.store.assertPresent())

    const guard: ClockGuard = createClockGuard({
      clock: ctx.clock,
      lastSeenMs: state.audit.lastAtMs(),
      onSetBack: (byMs, nowMs) => meetSetBack(ctx, { state, approvals, ring }, byMs, nowMs),
    })
    const policies = openPolicies(ctx, state)
    const operators = openOperators(ctx)
    const ring = await openKeys(ctx, state)
    const approvals = openApprovals(ctx, { state, policies, guard })
    // The first look compares with the last run; only then may anything be signed or approved.
    const startedAtMs = guard.nowMs()
    approvals.voidOpen('asked in another run', startedAtMs, ({ runId }) => runId !== ctx.settings.runId)
    await ring.tick()
    state.record(
      'started',
      { run_id: ctx.settings.runId, policy_version: policies.current().version },
      startedAtMs,
    )

    addRoutes(ctx, { state, guard, policies, operators, ring, approvals })
    startMaintenance(ctx, { state, guard, policies, ring, approvals })
  },
})

interface Parts {
  readonly state: State
  readonly guard: ClockGuard
  readonly policies: PolicyStore
  readonly operators: Operators
  readonly ring: KeyRing
  readonly approvals: Approvals
}

/** Everything that got a life by the old clock ends now. Throws where that cannot be written, and is met again. */
function meetSetBack(
  ctx: Context,
  parts: Pick<Parts, 'state' | 'approvals' | 'ring'>,
  byMs: number,
  nowMs: number,
): void {
  const message = `the clock was set back by ${Math.round(byMs / 1000)} s: approvals and keys were thrown away`
  ctx.health.degrade('clock', message)
  ctx.log.error({ operation: 'clock' }, message)
  parts.ring.dropAll()
  parts.approvals.voidOpen('the clock was set back', nowMs)
  parts.state.record('clock_set_back', { by_ms: Math.round(byMs) }, nowMs)
}

function openPolicies(ctx: Context, state: State): PolicyStore {
  const valid = ctx.metrics.gauge('sonia_policy_valid')
  const told = (problems: readonly string[]) => {
    valid.set(problems.length === 0 ? 1 : 0)
    ctx.health.degrade(
      'policy',
      problems.length === 0 ? null : `policy files are not in force: ${problems[0]}`,
    )
  }
  const policies = createPolicyStore(
    { folder: join(ctx.paths.config, 'policies'), owners: [process.getuid?.() ?? 0, 0] },
    {
      onChanged: ({ version, rules }) => {
        ctx.log.info(
          { operation: 'policy', policy_version: version },
          `policy of ${rules.length} rules is in force`,
        )
        state.record('policy_changed', { policy_version: version, rules: rules.length }, ctx.clock.nowMs())
        told([])
      },
      onRejected: (problems) => {
        ctx.log.error({ operation: 'policy', problems }, 'policy files were rejected')
        state.record('policy_rejected', { problems: problems.slice(0, 20) }, ctx.clock.nowMs())
        told(problems)
      },
      onMended: () => told([]),
    },
  )
  policies.current()
  return policies
}

function openOperators(ctx: Context): Operators {
  const operators = createOperators(join(ctx.paths.config, 'operator.key'), ctx.config.operators)
  ctx.useOperatorCheck((presented) => operators.nameOf(presented) !== undefined)
  ctx.health.degrade(
    'operator',
    operators.count === 0 ? 'there is no operator key: nobody can approve' : null,
  )
  return operators
}

async function openKeys(ctx: Context, state: State): Promise<KeyRing> {
  const { key_lead_seconds, key_rotation_hours, token_seconds } = ctx.config
  const files = keyFiles(join(ctx.paths.data, 'keys'), (file, why) => {
    ctx.log.error({ operation: 'keys', file }, `a key file ${why} and is not used`)
  })
  return openKeyRing({
    files,
    nowMs: () => ctx.clock.nowMs(),
    times: {
      rotateAfterMs: key_rotation_hours * 3_600_000,
      leadMs: key_lead_seconds * 1000,
      retireAfterMs: token_seconds * 1000 + RETIRE_SLACK_MS,
    },
    onChange: (what, kids) => {
      ctx.log.info({ operation: 'keys', what, kids }, 'signing keys changed')
      state.record('keys_changed', { what, kids: [...kids] }, ctx.clock.nowMs())
    },
  })
}

function openApprovals(
  ctx: Context,
  { state, policies, guard }: Pick<Parts, 'state' | 'policies' | 'guard'>,
): Approvals {
  const pendingGauge = ctx.metrics.gauge('sonia_approvals_pending')
  const counter = ctx.metrics.counter('sonia_approvals_total')
  const table = approvalTable(state.store.connection)
  pendingGauge.set(table.pendingCount())
  return createApprovals({
    table,
    durably: state.store.durably,
    nowMs: guard.nowMs,
    audit: state.audit.append,
    newTokenId: () => `apr_${randomBytes(16).toString('hex')}`,
    runId: ctx.settings.runId,
    pendingMax: ctx.config.approvals_pending_max,
    judgeNow: (facts) => judge(policies.current(), facts),
    onTooMany: () =>
      new ServiceError('RATE_LIMITED', 'Too many calls wait for approval', { retryAfterSeconds: 10 }),
    onChange: (decision, count, pending) => {
      counter.inc({ decision }, count)
      pendingGauge.set(pending)
    },
  })
}

function addRoutes(ctx: Context, { state, guard, policies, operators, ring, approvals }: Parts): void {
  const { app, clock, config, metrics } = ctx
  const mint = createTokenMint({
    signing: ring.signing,
    nowMs: guard.nowMs,
    newId: () => randomBytes(16).toString('base64url'),
    lifeSeconds: config.token_seconds,
  })
  ctx.useTokenIssuer({ jwks: ring.jwks, issue: (audience) => mint.issue('eva-os', audience) })
  const refusedRate = createRequestRate(REFUSED_TOKEN_RECORDS)
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
      metrics.counter('sonia_service_auth_failures_total').inc({ reason: 'bootstrap_secret' })
      // Anybody can cause these: a bounded number is kept.
      if (refusedRate.take(holder, clock.monotonicMs()) === 0)
        state.record('token_refused', { holder }, clock.nowMs())
    },
  })
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
  addApprovalRoutes(app, { approvals, nowMs: guard.nowMs, operatorOf: operators.nameOf })
  const board = createProbeBoard({
    names: SERVICE_NAMES.filter((name) => name !== ctx.name && CATALOG[ctx.name].mayCall.includes(name)),
    probe: (name) => probeService(name, ctx),
    monotonicMs: () => clock.monotonicMs(),
  })
  const probing = setInterval(() => void board.probeAll(), config.probe_seconds * 1000)
  ctx.onStop('probes', () => clearInterval(probing))
  addObserveRoutes(app, {
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
