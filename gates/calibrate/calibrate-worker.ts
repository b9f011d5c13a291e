import { parentPort } from 'node:worker_threads'
import { rememberingDesigner } from '../statistics/trend-fit.ts'
import { FAMILIES } from './histories/families.ts'
import { historyOf, type JudgedHistory, judgeHistory } from './judge-history.ts'

/** Some histories of one family. */
export interface CalibrationTask {
  readonly family: string
  readonly seed: number
  readonly from: number
  readonly to: number
}

export interface CalibrationAnswer {
  readonly task: CalibrationTask
  readonly judged: readonly JudgedHistory[]
}

const design = rememberingDesigner()

parentPort?.on('message', (task: CalibrationTask) => {
  const family = FAMILIES.find(({ id }) => id === task.family)
  if (family === undefined) throw new Error(`there is no family ${task.family}`)
  const indices = Array.from({ length: task.to - task.from }, (_, offset) => task.from + offset)
  const judged = indices.map((index) => judgeHistory(family, historyOf(family, task.seed, index), design))
  parentPort?.postMessage({ task, judged } satisfies CalibrationAnswer)
})
