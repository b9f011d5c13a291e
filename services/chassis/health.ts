import { ServiceError } from './errors.ts'

const CHECK_TIMEOUT_MS = 1_000

/** Whether the service is well, and whether what it needs is there. */
export interface Health {
  /** A check for /readyz; it rejects when the dependency is not usable. Bounded to 1 s. */
  addDependency(name: string, check: (signal: AbortSignal) => Promise<void>): void
  /** Marks the service DEGRADED for a reason, or takes the mark away (null). */
  degrade(key: string, message: string | null): void
}

export interface HealthState extends Health {
  status(): 'OK' | 'DEGRADED'
  readonly draining: boolean
  drain(): void
  /** Resolves, or rejects with UNAVAILABLE that names what is missing. */
  assertReady(): Promise<void>
}

export function createHealth(onChange: (value: number) => void): HealthState {
  const checks = new Map<string, (signal: AbortSignal) => Promise<void>>()
  const marks = new Map<string, string>()
  let draining = false
  const report = () => onChange(draining ? 0 : marks.size > 0 ? 0.5 : 1)
  report()
  return {
    addDependency: (name, check) => {
      checks.set(name, check)
    },
    degrade: (key, message) => {
      if (message === null) marks.delete(key)
      else marks.set(key, message)
      report()
    },
    status: () => (marks.size > 0 ? 'DEGRADED' : 'OK'),
    get draining() {
      return draining
    },
    drain: () => {
      draining = true
      report()
    },
    assertReady: async () => {
      if (draining) throw new ServiceError('UNAVAILABLE', 'Draining', { details: { draining: true } })
      const missing = await failedChecks(checks)
      if (missing.length === 0) return
      throw new ServiceError('UNAVAILABLE', `Not ready: ${missing.map(({ name }) => name).join(', ')}`, {
        details: { dependencies: missing.map(({ name }) => name) },
        cause: missing[0]?.error,
      })
    },
  }
}

async function failedChecks(
  checks: ReadonlyMap<string, (signal: AbortSignal) => Promise<void>>,
): Promise<{ name: string; error: unknown }[]> {
  const results = await Promise.all(
    [...checks].map(async ([name, check]) => {
      try {
        await bounded(check)
        return undefined
      } catch (error) {
        return { name, error }
      }
    }),
  )
  return results.filter((result) => result !== undefined)
}

/** A check that ignores its signal must not hang the answer. */
async function bounded(check: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const signal = AbortSignal.timeout(CHECK_TIMEOUT_MS)
  const late = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
  await Promise.race([check(signal), late])
}
