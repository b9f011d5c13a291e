import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { env } from 'node:process'
import { fileURLToPath } from 'node:url'
import type { SoakShape } from '#gates/calibrate/planted/sound-soak.ts'
import type { Parameters } from '#gates/engine/types.ts'
import { PROFILES } from '#gates/profiles.ts'
import { runParameters } from '#gates/run-parameters.ts'
import { SCRAPE_SECONDS, START } from './two-day-blocks.ts'

const repo = fileURLToPath(new URL('../..', import.meta.url))

export interface Judged {
  readonly seconds: number
  readonly peakBytes: { readonly total: number; readonly node: number; readonly prometheus: number }
  readonly output: string
  readonly code: number | null
}

/** From the start of the process until its end; memory is what the kernel says each process held at most. */
export function judged(shape: SoakShape, source: readonly string[]): Promise<Judged> {
  return timed(judgeArguments(shape, source))
}

/** The same of any command of ours. */
export async function timed(command: readonly string[]): Promise<Judged> {
  const from = performance.now()
  const child = spawn(process.execPath, [join(repo, 'gates', 'main.ts'), ...command], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk
  })
  const peak = { node: 0, prometheus: 0 }
  const look = setInterval(() => void lookAt(child.pid ?? 0, peak), 100)
  const [code] = (await once(child, 'close')) as [number | null]
  clearInterval(look)
  const seconds = (performance.now() - from) / 1000
  return { seconds, peakBytes: { ...peak, total: peak.node + peak.prometheus }, output, code }
}

async function lookAt(pid: number, peak: { node: number; prometheus: number }): Promise<void> {
  peak.node = Math.max(peak.node, await peakBytesOf(pid))
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  for (const child of children.trim().split(' '))
    peak.prometheus = Math.max(peak.prometheus, await peakBytesOf(Number(child)))
}

async function peakBytesOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024
}

/** Of the release profile, but for the length of the soak and the load that it was planned with. */
export function parametersOf(shape: SoakShape): Parameters {
  return {
    ...runParameters(PROFILES.release),
    SOAK_SECONDS: shape.seconds,
    DRAIN: shape.drainSeconds,
    S: SCRAPE_SECONDS,
    PLANNED_CHAT: shape.planned.chat,
    PLANNED_ACTION: shape.planned.action,
    PLANNED_VOICE: shape.planned.voice,
  }
}

function judgeArguments(shape: SoakShape, source: readonly string[]): readonly string[] {
  const typed = Object.entries(parametersOf(shape)).map(([name, value]) => `${name}=${String(value)}`)
  const window = ['--from', String(START), '--to', String(START + shape.seconds)]
  const criteria = ['--criteria', join(repo, 'gates', 'criteria', 'soak.yaml')]
  return ['judge', ...criteria, ...source, ...window, '--json', '--param', ...typed]
}
