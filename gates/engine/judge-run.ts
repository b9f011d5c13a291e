import { CliError, EXIT_CODES } from '../exit-codes.ts'
import type { GateWindow, Judgement, Parameters, RunVerdict } from './types.ts'

export interface JudgeRunOptions {
  /** Folder of `<gate>.yaml` files; each window names one. */
  readonly criteriaFolder: string
  readonly windows: readonly GateWindow[]
  readonly parameters: Parameters
  /** Any Prometheus 3 that holds the recorded series, such as "http://127.0.0.1:9090". */
  readonly prometheusUrl: string
}

/** Judges recorded history. Knows neither the wall clock nor the stack: the same data give the same verdict. */
export async function judgeRun(options: JudgeRunOptions): Promise<RunVerdict> {
  return (await judgeRunWithAnswers(options)).verdict
}

/** The same, with the raw answers the verdict rests on. */
export async function judgeRunWithAnswers(options: JudgeRunOptions): Promise<Judgement> {
  throw new CliError(EXIT_CODES.internal, `not there yet: ${options.criteriaFolder}`)
}
