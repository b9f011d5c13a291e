import { Pool } from 'undici'
import { openLoop } from './open-loop.ts'

export interface LoadResult {
  readonly sent: number
  readonly failed: number
}

export interface LoadPlan {
  readonly gatewayUrl: string
  readonly seconds: number
  readonly chatsPerSecond: number
  readonly actionsPerSecond: number
}

const SUBJECTS = ['the harbour', 'my sister', 'the garden', 'a broken bicycle', 'the train to the coast']
const QUESTIONS = ['What did I say about', 'Remind me of', 'Remember this about', 'Tell me again about']
const TIMEOUT_MS = 30_000

/** The traffic of the smoke soak without its voice, open loop: arrivals do not wait for answers. */
export async function loadStack(plan: LoadPlan): Promise<LoadResult> {
  const pool = new Pool(plan.gatewayUrl, { connections: 32 })
  if (plan.actionsPerSecond > 0) await post(pool, '/v1/action', action(0))
  const streams = [
    arrivals(plan.seconds, plan.chatsPerSecond, (n) => post(pool, '/v1/chat', chatMessage(n))),
    arrivals(plan.seconds, plan.actionsPerSecond, (n) => post(pool, '/v1/action', action(n))),
  ]
  const results = (await Promise.all(streams)).flat()
  await pool.close()
  return { sent: results.length, failed: results.filter((isGood) => !isGood).length }
}

async function arrivals(
  seconds: number,
  perSecond: number,
  once: (number: number) => Promise<boolean>,
): Promise<boolean[]> {
  const arrived = await openLoop((number) => once(number).catch(() => false), {
    perSecond,
    durationMs: seconds * 1000,
  })
  return arrived.map(({ outcome }) => outcome)
}

async function post(pool: Pool, path: string, body: object): Promise<boolean> {
  const { statusCode, body: answer } = await pool.request({
    method: 'POST',
    path,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    headersTimeout: TIMEOUT_MS,
  })
  const { ok } = (await answer.json()) as { ok: boolean }
  return statusCode === 200 && ok
}

export function chatMessage(number: number): object {
  const question = QUESTIONS[number % QUESTIONS.length]
  const subject = SUBJECTS[Math.floor(number / QUESTIONS.length) % SUBJECTS.length]
  return { message: `${question} ${subject}, item ${number % 997}` }
}

function action(number: number): object {
  const path = `soak-${number % 50}.txt`
  if (number % 3 === 1) return { tool_name: 'shell.run', args: { command: 'ls' } }
  if (number % 3 === 2) return { tool_name: 'file.read', args: { path: 'soak-0.txt' } }
  return { tool_name: 'file.write', args: { path, content: `written by the load, file ${number % 50}\n` } }
}
