import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { sendTool } from '../case-run.ts'
import { asObject, parseObject, readAnswer } from '../corpus-client.ts'
import {
  type Procedure,
  type ProcedureCall,
  type ProcedureResult,
  toolOf,
  withWorkFiles,
} from './procedure.ts'

/**
 * Swaps a name for a link and back, as fast as one thread can. What is made under the name while it is away (a folder
 * for a file that is being written) is removed, until the original is back.
 */
const SWAPPER = `
const { renameSync, rmSync, symlinkSync } = require('node:fs')
const { workerData } = require('node:worker_threads')
const { name, parked, target } = workerData
const stop = new Int32Array(workerData.stop)
const attempt = (step) => { try { step(); return true } catch { return false } }
while (Atomics.load(stop, 0) === 0) {
  if (!attempt(() => renameSync(name, parked))) continue
  attempt(() => symlinkSync(target, name))
  do attempt(() => rmSync(name, { recursive: true, force: true }))
  while (!attempt(() => renameSync(parked, name)))
}
`

/** Requests in flight at once: more chances for the swap to fall between two steps of one of them. */
const CONCURRENCY = 8
/** A race that nobody lost within this many rounds proves nothing, and fails. */
const ROUNDS_MAX = 20

/**
 * Makes the call again and again while `swap` flips between itself and a link to `target`. The answer is the refusal
 * that the swap causes, once it was seen and the iterations are done; or whatever came back that is neither this
 * refusal, nor a miss between two names, nor the honest content.
 */
export const swapWhileCalling: Procedure = (call) => withWorkFiles(call, () => race(call))

async function race(call: ProcedureCall): Promise<ProcedureResult> {
  const { sandbox, values } = call.run.world
  const text = (name: string) => String(call.parameters[name]).replace('{{outside}}', values['outside'] ?? '')
  const name = join(sandbox, text('swap'))
  const swapper = startSwapper(name, text('target'))
  try {
    return await callUntilRefused(call)
  } finally {
    await swapper.stop()
  }
}

async function callUntilRefused(call: ProcedureCall): Promise<ProcedureResult> {
  const expected = String(call.parameters['refusal'])
  const seen: { refused: ProcedureResult | null } = { refused: null }
  for (let round = 0; round < ROUNDS_MAX; round++) {
    for (let done = 0; done < call.run.raceIterations; done += CONCURRENCY) {
      const results = await Promise.all(Array.from({ length: CONCURRENCY }, () => callOnce(call)))
      const odd = results.find((result) => !isHonest(call, result) && outcomeOf(result) !== expected)
      if (odd !== undefined) return odd
      seen.refused ??= results.find((result) => outcomeOf(result) === expected) ?? null
    }
    if (seen.refused !== null) return seen.refused
  }
  return { received: { status: 0, code: 'NO_RACE_TOOK_PLACE', reason: null, execution: null }, text: '' }
}

async function callOnce(call: ProcedureCall): Promise<ProcedureResult> {
  const answer = await sendTool(call.run, toolOf(call, 'call'), { principal: call.principal })
  return { received: readAnswer(answer), text: answer.text }
}

function outcomeOf({ received }: ProcedureResult): string | null {
  return received.reason ?? received.code
}

/** Between two names there is nothing (404); otherwise the answer holds what the sandbox holds. */
function isHonest(call: ProcedureCall, { received, text }: ProcedureResult): boolean {
  if (received.status === 404) return true
  const { honest } = call.parameters
  const result = asObject(parseObject(text)?.['result'])
  return received.status === 200 && typeof honest === 'string' && JSON.stringify(result).includes(honest)
}

function startSwapper(name: string, target: string) {
  const stop = new SharedArrayBuffer(4)
  const workerData = { name, target, parked: `${name}-parked`, stop }
  const worker = new Worker(SWAPPER, { eval: true, workerData })
  const ended = new Promise<void>((resolve, reject) => {
    worker.once('exit', () => resolve())
    worker.once('error', reject)
  })
  // Whoever stops it learns of its error; until then it must not end the process.
  ended.catch(() => undefined)
  return {
    stop: async () => {
      Atomics.store(new Int32Array(stop), 0, 1)
      await ended
    },
  }
}
