import { appendFile, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { sendTool } from '../case-run.ts'
import { notHeld, type Procedure, resultOf, toolOf, withWorkFiles } from './procedure.ts'

const FILE_BYTES_MAX = 10 * 1024 * 1024
const STEP = Buffer.alloc(64 * 1024, 'x')
const ROUNDS_MAX = 40

/** A file grows over the limit while it is read: each answer holds at most the limit, until it is refused. */
export const readGrowing: Procedure = (call) =>
  withWorkFiles(call, async (folder) => {
    const path = join(folder, 'growing.txt')
    await writeFile(path, '')
    await truncate(path, FILE_BYTES_MAX - 8 * STEP.length)
    const growth = startGrowth(path)
    try {
      for (let round = 0; round < ROUNDS_MAX; round++) {
        const answer = await sendTool(call.run, toolOf(call, 'call'), { principal: call.principal })
        if (answer.status !== 200) return resultOf(answer)
        if (sizeIn(answer.text) > FILE_BYTES_MAX) return notHeld('MORE_THAN_THE_LIMIT_WAS_SERVED')
      }
      return notHeld('NEVER_REFUSED')
    } finally {
      await growth.stop()
    }
  })

function sizeIn(text: string): number {
  return Number(/"size_bytes":(\d+)/.exec(text)?.[1] ?? Number.POSITIVE_INFINITY)
}

/** Appends in small steps, well past the limit, until it is stopped. */
function startGrowth(path: string) {
  let isStopped = false
  const grow = async () => {
    while (!isStopped) {
      const { size } = await stat(path)
      if (size < 2 * FILE_BYTES_MAX) await appendFile(path, STEP)
      await pause(10)
    }
  }
  const growing = grow()
  return {
    stop: () => {
      isStopped = true
      return growing
    },
  }
}
