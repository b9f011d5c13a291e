import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Stack } from '#ops/stack.ts'
import { pause } from '../runners/gate-context.ts'
import { type DrillNeeds, loadOn } from './drill-needs.ts'
import { type ImageVerdict, judgeImage, lossesFor, recordWrites } from './power-loss.ts'

const RECORDED_MS = 1500
const SEED = 20_260_208

/** Records what memory-engine writes and secures, then asks what every kind of power loss would have left. */
export async function drillPowerLoss(needs: DrillNeeds, stack: Stack, home: string): Promise<void> {
  const { context, count } = needs
  context.progress.at('durability: recording writes for power losses')
  const pid = stack.processes.find(({ service }) => service === 'memory-engine')?.identity.pid
  if (pid === undefined) throw new Error('memory-engine has no process')
  const folder = join(home, 'data', 'memory')
  const recording = await recordWrites(pid, folder, join(context.home, 'durability', 'writes.trace'))
  const load = loadOn(needs, home, 'lighthouse')
  await pause(context, RECORDED_MS)
  await load.stop()
  const recorded = { initial: recording.initial, calls: await recording.stop() }
  const scratch = join(context.home, 'durability', 'image')
  const verdicts: ImageVerdict[] = []
  for (const loss of lossesFor(load.acknowledged, needs.images, SEED)) {
    const verdict = judgeImage(recorded, load.acknowledged, loss, scratch)
    // Between two of them the metrics endpoint gets to answer.
    await pause(context, 1)
    verdicts.push(verdict)
    count('image', verdict.lost === 0 && verdict.fault === null && verdict.promised > 0, imageText(verdict))
  }
  const last = lossesFor(load.acknowledged, 1, SEED)[0]
  // A disk that lies about syncs must lose rows, or the images above prove nothing.
  const lying =
    last === undefined
      ? null
      : judgeImage(recorded, load.acknowledged, { ...last, ignoreSyncs: true }, scratch)
  count('control', lying !== null && (lying.lost > 0 || lying.fault !== null), 'a lying disk lost nothing')
  rmSync(scratch, { recursive: true, force: true })
  context.keep({
    path: 'gates/durability/power-losses.json',
    content: `${JSON.stringify({ images: verdicts, control: lying }, null, 2)}\n`,
  })
}

function imageText({ loss, promised, lost, fault }: ImageVerdict): string {
  return `power loss with ${loss.unsynced} unsynced writes kept: ${lost} of ${promised} rows lost${fault === null ? '' : `, ${fault}`}`
}
