import type { Logger } from './logging.ts'

/** Cleanup registered beside creation, undone in reverse order. */
export interface StopList {
  add(what: string, stop: () => Promise<void> | void): void
  /** Never rejects: a step that fails or hangs is logged, and the others still run. */
  run(): Promise<void>
}

export function createStopList(log: Logger, stepMs: number): StopList {
  const steps: { readonly what: string; readonly stop: () => Promise<void> | void }[] = []
  return {
    add: (what, stop) => {
      steps.push({ what, stop })
    },
    run: async () => {
      for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
        const { what, stop } = step
        try {
          await within(stepMs, stop)
        } catch (error) {
          log.error({ operation: 'stop', error, what }, 'a step of the stop failed')
        }
      }
    },
  }
}

/** Rejects when `fn` takes longer than `limitMs`; the timer does not outlive it. */
export async function within<T>(limitMs: number, fn: () => Promise<T> | T): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done within ${limitMs} ms`)), limitMs)
  })
  try {
    return await Promise.race([Promise.resolve(fn()), late])
  } finally {
    clearTimeout(timer)
  }
}
