import { randomUUID } from 'node:crypto'
import type { Clock } from '#chassis/clock.ts'
import { ServiceError } from '#chassis/errors.ts'
import type { Logger } from '#chassis/logging.ts'
import type { ServiceMetrics } from '#chassis/metrics.ts'
import type { FileWork } from './file-work.ts'
import type { SessionFile } from './session-files.ts'
import type { CloseReason, Session, SessionRecord } from './session.ts'

export interface SessionLimits {
  readonly sessionsMax: number
  readonly idleMs: number
  readonly lifetimeMs: number
  readonly resumeMs: number
}

export interface BookNeeds {
  readonly files: FileWork
  readonly limits: SessionLimits
  readonly clock: Clock
  readonly metrics: ServiceMetrics
  readonly log: Logger
}

export interface NewSession {
  readonly userId: string | null
  readonly owner: string | null
  readonly metadata: Readonly<Record<string, string>>
}

/** Closed sessions that can still be asked for; the oldest are forgotten first. */
const CLOSED_KEPT = 2000

/**
 * Every voice session. The only place that opens and closes one, so that `created = closed + active` holds
 * after every call, and every way out runs the same steps.
 */
export class SessionBook {
  readonly #needs: BookNeeds
  readonly #listeners: ((session: Session, reason: CloseReason) => void)[] = []
  readonly #active = new Map<string, Session>()
  readonly #closed = new Map<string, Session>()

  constructor(needs: BookNeeds) {
    this.#needs = needs
  }

  /** Called at every close, whoever caused it. */
  onClosed(listener: (session: Session, reason: CloseReason) => void): void {
    this.#listeners.push(listener)
  }

  /** Nobody is told of a session that a restart would not know: it is in its file when this returns. */
  async open({ userId, owner, metadata }: NewSession): Promise<Session> {
    const { limits, clock } = this.#needs
    if (this.#active.size >= limits.sessionsMax) {
      throw new ServiceError('CONFLICT', `There are ${limits.sessionsMax} open sessions already`)
    }
    const createdAtMs = clock.nowMs()
    const record = {
      session_id: randomUUID(),
      user_id: userId,
      owner,
      metadata,
      created_at_ms: createdAtMs,
    }
    const session = this.#add(record, false)
    if (await this.#needs.files.write(session.record)) return session
    this.close(session, 'error')
    throw new ServiceError('UNAVAILABLE', 'The session could not be written down')
  }

  /** Once what was last done to the session is in its file; false where the disk refused it so far. */
  async settled(session: Session): Promise<boolean> {
    return this.#needs.files.settled(session.record.session_id)
  }

  find(id: string): Session {
    const session = this.#active.get(id) ?? this.#closed.get(id)
    if (session === undefined) throw new ServiceError('NOT_FOUND', 'There is no such session')
    return session
  }

  findActive(id: string): Session | undefined {
    return this.#active.get(id)
  }

  /** Closing a closed session changes nothing: several ways out may meet. */
  close(session: Session, reason: CloseReason): void {
    const id = session.record.session_id
    if (session.state === 'CLOSED') return
    session.state = 'CLOSED'
    session.closeReason = reason
    this.#active.delete(id)
    this.#closed.set(id, session)
    if (this.#closed.size > CLOSED_KEPT) this.#closed.delete(firstKey(this.#closed))
    this.#needs.metrics.counter('sonia_voice_sessions_closed_total').inc({ reason })
    this.#report()
    for (const listener of this.#listeners) listener(session, reason)
    void this.#needs.files.remove(id)
  }

  /** Ends what is too old, idle, or was not resumed in time. */
  sweep(): void {
    const nowMs = this.#needs.clock.monotonicMs()
    for (const session of this.#active.values()) {
      const reason = this.#dueReason(session, nowMs)
      if (reason !== null) this.close(session, reason)
    }
    this.#report()
    void this.#needs.files.mend()
  }

  /** Takes over the sessions of a process that ended without closing them: young ones wait for their client again. */
  settleLeftovers(leftovers: readonly SessionFile[]): void {
    const { limits, clock, log } = this.#needs
    for (const record of leftovers) {
      const session = this.#add(record, true)
      const isYoung = clock.nowMs() - record.created_at_ms < limits.lifetimeMs
      if (!isYoung || limits.resumeMs === 0) this.close(session, 'restart')
    }
    if (leftovers.length > 0) log.warn({}, `${leftovers.length} sessions of an earlier process were settled`)
  }

  async closeAll(reason: CloseReason): Promise<void> {
    for (const session of this.#active.values()) this.close(session, reason)
    await this.#needs.files.allSettled()
  }

  #add(record: SessionRecord, isRestored: boolean): Session {
    const { clock, metrics } = this.#needs
    const nowMs = clock.monotonicMs()
    const session: Session = {
      record,
      isRestored,
      state: 'ACTIVE',
      closeReason: null,
      lastSeenAtMs: nowMs,
      detachedAtMs: nowMs,
    }
    this.#active.set(record.session_id, session)
    metrics.counter('sonia_voice_sessions_created_total').inc()
    this.#report()
    return session
  }

  #dueReason(session: Session, nowMs: number): CloseReason | null {
    const { limits, clock } = this.#needs
    if (clock.nowMs() - session.record.created_at_ms >= limits.lifetimeMs) return 'expired'
    if (nowMs - session.lastSeenAtMs >= limits.idleMs) return 'idle'
    const { detachedAtMs } = session
    const isLost = detachedAtMs !== null && nowMs - detachedAtMs >= limits.resumeMs
    return isLost ? 'error' : null
  }

  #report(): void {
    const { metrics, clock } = this.#needs
    metrics.gauge('sonia_voice_sessions_active').set(this.#active.size)
    const oldest = this.#active.values().next().value
    const ageMs = oldest === undefined ? 0 : clock.nowMs() - oldest.record.created_at_ms
    metrics.gauge('sonia_voice_session_oldest_age_seconds').set(Math.max(0, ageMs) / 1000)
  }
}

function firstKey(map: ReadonlyMap<string, unknown>): string {
  return map.keys().next().value ?? ''
}
