/** Rebuilds disks from a recording and judges each: judge-images-main.ts <JSON: ImageCheck>; prints an ImagesState. */
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { vectorOfText } from './check-database.ts'
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
// Hundreds of images hold the same texts.
const known = new Map<string, readonly number[]>()
const vectorOf = (text: string) => {
  const vector = known.get(text) ?? vectorOfText(text)
  known.set(text, vector)
  return vector
}
const calls = callsOf(check.trace, check.folder)
const verdicts = check.losses.map((loss) =>
  judgeImage({ initial, calls, vectorOf }, writes, loss, check.scratch),
)
rmSync(check.scratch, { recursive: true, force: true })
process.stdout.write(JSON.stringify({ calls: calls.length, verdicts } satisfies ImagesState))
