import { parentPort } from 'node:worker_threads'
import { rememberingDesigner } from '../statistics/trend-fit.ts'
import { FAMILIES } from './histories/families.ts'
import { historyOf, judgeHistory } from './judge-history.ts'

/** Some histories of one family. */
export interface CalibrationTask {
  readonly family: string
  readonly seed: number
  readonly from: number
  readonly to: number
}

export interface CalibrationAnswer {
  readonly task: CalibrationTask
  readonly verdicts: readonly { readonly verdict: string; readonly reason: string }[]
}

const design = rememberingDesigner()

parentPort?.on('message', (task: CalibrationTask) => {
  const family = FAMILIES.find(({ id }) => id === task.family)
  if (family === undefined) throw new Error(`there is no family ${task.family}`)
  const indices = Array.from({ length: task.to - task.from }, (_, offset) => task.from + offset)
  const verdicts = indices.map((index) => {
    const { verdict, reasons } = judgeHistory(family, historyOf(family, task.seed, index), design)
    return { verdict, reason: reasons[0] ?? '' }
  })
  parentPort?.postMessage({ task, verdicts } satisfies CalibrationAnswer)
})
