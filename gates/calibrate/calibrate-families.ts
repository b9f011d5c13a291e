import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { CalibrationAnswer, CalibrationTask } from './calibrate-worker.ts'
import { clopperPearson } from './clopper-pearson.ts'
import type { Demand, Family } from './histories/families.ts'
import type { JudgedHistory } from './judge-history.ts'

/** A family, and how many of its histories are judged. */
export interface FamilyPlan {
  readonly family: Family
  readonly histories: number
}

export interface CalibrationSettings {
  readonly plans: readonly FamilyPlan[]
  readonly seed: number
  readonly workers: number
  /** Ends the run early; families that were not judged whole are left out. */
  readonly signal?: AbortSignal
  /** Called with each family as it ends. */
  readonly onFamily?: (rates: FamilyRates) => void
}

export interface Share {
  readonly count: number
  readonly share: number
  /** Clopper-Pearson, 95 %. */
  readonly interval: readonly [number, number]
}

export interface FamilyRates {
  readonly family: string
  readonly kind: Family['kind']
  readonly histories: number
  readonly fail: Share
  readonly pass: Share
  readonly inconclusive: Share
  /** Demands that these counts refute. */
  readonly refuted: readonly string[]
  /** In the order of the histories. */
  readonly judged: readonly JudgedHistory[]
}

const TASK_SIZE = 10

/** Judges histories of each family in workers; the result does not depend on how many there are. */
export async function calibrateFamilies(settings: CalibrationSettings): Promise<readonly FamilyRates[]> {
  const { plans, onFamily } = settings
  const tasks = plans.map((plan) => tasksOf(plan, settings.seed))
  const answers = plans.map((): CalibrationAnswer[] => [])
  const rates = new Map<number, FamilyRates>()
  const take = (answer: CalibrationAnswer) => {
    const index = plans.findIndex(({ family }) => family.id === answer.task.family)
    const plan = plans[index]
    const own = answers[index]
    own?.push(answer)
    if (plan === undefined || own === undefined || own.length < (tasks[index]?.length ?? 0)) return
    const inOrder = own.toSorted((a, b) => a.task.from - b.task.from)
    const one = ratesOf(
      plan.family,
      inOrder.flatMap(({ judged }) => judged),
    )
    rates.set(index, one)
    onFamily?.(one)
  }
  await inWorkers(tasks.flat(), settings, take)
  return plans.flatMap((_, index) => rates.get(index) ?? [])
}

function tasksOf({ family, histories }: FamilyPlan, seed: number): readonly CalibrationTask[] {
  return Array.from({ length: Math.ceil(histories / TASK_SIZE) }, (_, index) => ({
    family: family.id,
    seed,
    from: index * TASK_SIZE,
    to: Math.min((index + 1) * TASK_SIZE, histories),
  }))
}

async function inWorkers(
  tasks: readonly CalibrationTask[],
  { workers, signal }: Pick<CalibrationSettings, 'workers' | 'signal'>,
  take: (answer: CalibrationAnswer) => void,
): Promise<void> {
  const waiting = tasks.values()
  const work = async () => {
    const worker = new Worker(new URL('./calibrate-worker.ts', import.meta.url))
    try {
      for (const task of waiting) {
        const answered = once(worker, 'message', signal === undefined ? {} : { signal })
        worker.postMessage(task)
        take(((await answered) as [CalibrationAnswer])[0])
      }
    } catch (error) {
      if (signal?.aborted !== true) throw error
    } finally {
      await worker.terminate()
    }
  }
  await Promise.all(Array.from({ length: workers }, work))
}

export function ratesOf(family: Family, judged: readonly JudgedHistory[]): FamilyRates {
  const shareOf = (verdict: string): Share => {
    const count = judged.filter((one) => one.verdict === verdict).length
    return shareOfCount(count, judged.length)
  }
  const shares = { fail: shareOf('FAIL'), pass: shareOf('PASS'), inconclusive: shareOf('INCONCLUSIVE') }
  return {
    family: family.id,
    kind: family.kind,
    histories: judged.length,
    ...shares,
    refuted: refutedBy(family.demand, shares),
    judged,
  }
}

export function shareOfCount(count: number, of: number): Share {
  return { count, share: count / of, interval: clopperPearson(count, of) }
}

/** A demand is refuted where even the friendly end of the interval breaks it; a demand of none, by the first one. */
function refutedBy(
  { failMax = 1, failMin = 0, passMax = 1, passMin = 0 }: Demand,
  { fail, pass }: Pick<FamilyRates, 'fail' | 'pass'>,
): readonly string[] {
  const exceeds = ({ interval }: Share, most: number) => interval[0] > most
  const misses = ({ interval }: Share, least: number) => interval[1] < least
  return [
    ...(exceeds(fail, failMax) ? [`FAIL at most ${failMax}`] : []),
    ...(misses(fail, failMin) ? [`FAIL at least ${failMin}`] : []),
    ...(exceeds(pass, passMax) ? [`PASS at most ${passMax}`] : []),
    ...(misses(pass, passMin) ? [`PASS at least ${passMin}`] : []),
  ]
}
