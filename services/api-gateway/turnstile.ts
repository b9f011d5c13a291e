import type { CallContext } from '#chassis/call-context.ts'
import type { Clock } from '#chassis/clock.ts'
import { ServiceError } from '#chassis/errors.ts'

/** Lets so many answers be worked at as the machine can; the others wait for their turn, those who talk first. */
export interface Turnstile {
  /** Resolves with what is called once the step is over; rejects as overloaded where its turn does not come in time. */
  readonly enter: (call: Pick<CallContext, 'caller' | 'signal'>) => Promise<() => void>
  /** For the last step of what was let in: it waits for nobody, and others wait for it. */
  readonly pass: () => () => void
}

export interface TurnstileSettings {
  readonly atOnce: number
  /** How long a turn may be waited for. */
  readonly waitMsMax: Readonly<Record<Priority, number>>
  readonly clock: Clock
}

type Priority = 'high' | 'normal'

interface Waiting {
  readonly sinceMs: number
  readonly priority: Priority
  readonly signal: () => AbortSignal
  readonly let: () => void
  readonly refuse: (reason: unknown) => void
}

const LOOK_EVERY_MS = 50

/**
 * Working at more of them at once answers no more of them: they stand in queues of other processes then, where nobody
 * knows who asked first, who talks, and who has gone. What waits for a model is not counted, as it costs nothing here.
 */
export function createTurnstile({ atOnce, waitMsMax, clock }: TurnstileSettings): Turnstile {
  const waiting: Readonly<Record<Priority, Waiting[]>> = { high: [], normal: [] }
  let inside = 0
  let look: NodeJS.Timeout | undefined

  const leave = () => {
    inside -= 1
    letIn()
  }
  const goIn = () => {
    inside += 1
    return once(leave)
  }
  const letIn = () => {
    refuseLate()
    while (inside < atOnce) {
      const next = waiting.high.shift() ?? waiting.normal.shift()
      if (next === undefined) return
      const { aborted, reason } = next.signal() as { aborted: boolean; reason: unknown }
      if (aborted) next.refuse(reason)
      else next.let()
    }
  }
  const refuseLate = () => {
    const nowMs = clock.monotonicMs()
    for (const line of [waiting.high, waiting.normal]) {
      for (let first = line[0]; first !== undefined && isLate(first, nowMs); first = line[0]) {
        line.shift()
        first.refuse(overloaded())
      }
    }
  }
  const isLate = ({ sinceMs, priority }: Waiting, nowMs: number) => nowMs - sinceMs > waitMsMax[priority]
  const watch = () => {
    look ??= setInterval(() => {
      letIn()
      if (waiting.high.length + waiting.normal.length > 0) return
      clearInterval(look)
      look = undefined
    }, LOOK_EVERY_MS).unref()
  }

  return {
    pass: goIn,
    enter: (call) => {
      if (inside < atOnce) return Promise.resolve(goIn())
      watch()
      return new Promise((resolve, reject) => {
        const priority = priorityOf(call)
        waiting[priority].push({
          sinceMs: clock.monotonicMs(),
          priority,
          signal: () => call.signal,
          let: () => resolve(goIn()),
          refuse: reject,
        })
      })
    },
  }
}

/** Somebody is listening to what voice asks for. */
function priorityOf({ caller }: Pick<CallContext, 'caller'>): Priority {
  return caller.kind === 'service' && caller.name === 'pipecat' ? 'high' : 'normal'
}

function overloaded(): ServiceError {
  return new ServiceError('UNAVAILABLE', 'Overloaded', {
    retryAfterSeconds: 1,
    details: { reason: 'OVERLOADED' },
  })
}

function once(work: () => void): () => void {
  let isDone = false
  return () => {
    if (isDone) return
    isDone = true
    work()
  }
}
