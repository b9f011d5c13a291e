import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Stack } from '#ops/stack.ts'
import { pause } from '../runners/gate-context.ts'
import { type DrillNeeds, loadOn } from './drill-needs.ts'
import { untilTrue } from './kill-service.ts'
import type { ImageCheck, ImagesState } from './ledger.ts'
import {
  type ImageVerdict,
  isImageWhole,
  lossesFor,
  recordWrites,
  type WriteRecording,
} from './power-loss.ts'
import { runScript } from './run-script.ts'
import type { WriteLoad } from './write-load.ts'

const RECORDED_MS = 1500
/** Writes after which there is something to lose at every moment, however slow the machine. */
const RECORDED_WRITES_MIN = 60
const SEED = 20_260_208

/** Records what memory-engine writes and secures, then asks what every kind of power loss would have left. */
export async function drillPowerLoss(needs: DrillNeeds, stack: Stack, home: string): Promise<void> {
  const { context, count } = needs
  context.progress.at('durability: recording writes for power losses')
  const pid = stack.processes.find(({ service }) => service === 'memory-engine')?.identity.pid
  if (pid === undefined) throw new Error('memory-engine has no process')
  const scratch = join(context.home, 'durability', 'power-loss')
  mkdirSync(scratch, { recursive: true })
  const folder = join(home, 'data', 'memory')
  const trace = join(scratch, 'writes.trace')
  const recording = await recordWrites(pid, folder, trace)
  const load = loadOn(needs, home, 'lighthouse')
  await pause(context, RECORDED_MS)
  await untilTrue(
    context,
    async () => load.acknowledged.length >= Math.max(RECORDED_WRITES_MIN, needs.images),
  )
  await load.stop()
  await recording.stop()
  const judged = await judgeImages(needs, load, { trace, folder, initial: recording.initial, scratch })
  for (const verdict of judged.verdicts) count('image', isImageWhole(verdict), imageText(verdict))
  // A disk that lies about syncs must lose rows, or the images above prove nothing.
  const { lying } = judged
  count('control', lying !== undefined && !isImageWhole(lying), 'a lying disk lost nothing')
  tell(needs, load, judged)
  rmSync(scratch, { recursive: true, force: true })
}

interface Recorded
  extends Pick<ImageCheck, 'trace' | 'folder' | 'scratch'>,
    Pick<WriteRecording, 'initial'> {}

interface Judged extends ImagesState {
  readonly lying: ImageVerdict | undefined
}

async function judgeImages(
  { images }: DrillNeeds,
  { acknowledged }: WriteLoad,
  { trace, folder, initial, scratch }: Recorded,
): Promise<Judged> {
  const ledger = join(scratch, 'ledger.json')
  writeFileSync(ledger, JSON.stringify(acknowledged))
  const initialFolder = join(scratch, 'initial')
  mkdirSync(initialFolder)
  for (const [path, bytes] of initial) writeFileSync(join(initialFolder, basename(path)), bytes)
  const honest = lossesFor(acknowledged, images, SEED)
  const lies = lossesFor(acknowledged, 1, SEED).map((loss) => ({ ...loss, ignoreSyncs: true }))
  const { calls, verdicts } = await runScript<ImagesState>('judge-images-main.ts', {
    trace,
    folder,
    initial: initialFolder,
    ledger,
    losses: [...honest, ...lies],
    scratch: join(scratch, 'image'),
  } satisfies ImageCheck)
  return { calls, verdicts: verdicts.slice(0, images), lying: verdicts[images] }
}

function tell({ context, note }: DrillNeeds, load: WriteLoad, { calls, verdicts, lying }: Judged): void {
  const sum = (of: (verdict: ImageVerdict) => number) => verdicts.reduce((total, one) => total + of(one), 0)
  note({
    what: 'power losses',
    recorded_writes: load.acknowledged.length,
    recorded_calls: calls,
    images: verdicts.length,
    lost: sum(({ lost }) => lost),
    half_rows: sum(({ halfRows }) => halfRows),
    vectors: sum(({ vectors }) => vectors),
    wrong_vectors: sum(({ wrongVectors }) => wrongVectors),
    seed: SEED,
    lost_on_a_lying_disk: lying === undefined ? null : (lying.fault ?? `${lying.lost} of ${lying.promised}`),
  })
  context.keep({
    path: 'gates/durability/power-losses.json',
    content: `${JSON.stringify({ images: verdicts, control: lying ?? null }, null, 2)}\n`,
  })
}

function imageText({ loss, promised, lost, halfRows, wrongVectors, fault }: ImageVerdict): string {
  const found = `${lost} of ${promised} rows lost, ${halfRows} half rows, ${wrongVectors} wrong vectors`
  return `power loss with ${loss.unsynced} unsynced writes kept: ${found}${fault === null ? '' : `, ${fault}`}`
}
