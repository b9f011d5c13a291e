/** Rebuilds disks from a recording and judges each: judge-images-main.ts <JSON: ImageCheck>; prints an ImagesState. */
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { ImageCheck, ImagesState } from './ledger.ts'
import { callsOf, judgeImage } from './power-loss.ts'
import type { AcknowledgedWrite } from './write-load.ts'

const check = JSON.parse(process.argv[2] ?? '{}') as ImageCheck
const writes = JSON.parse(readFileSync(check.ledger, 'utf8')) as readonly AcknowledgedWrite[]
const initial = new Map(
  readdirSync(check.initial).map((name) => [
    join(check.folder, name),
    readFileSync(join(check.initial, name)),
  ]),
)
const calls = callsOf(check.trace, check.folder)
const verdicts = check.losses.map((loss) => judgeImage({ initial, calls }, writes, loss, check.scratch))
rmSync(check.scratch, { recursive: true, force: true })
process.stdout.write(JSON.stringify({ calls: calls.length, verdicts } satisfies ImagesState))
