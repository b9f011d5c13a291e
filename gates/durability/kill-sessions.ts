import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Stack } from '#ops/stack.ts'
import { askService, type StackAddress } from '../runners/service-access.ts'
import type { DrillNeeds } from './drill-needs.ts'
import { killService, patiently, untilTrue } from './kill-service.ts'
import { type VoiceCounts, voiceCounts } from './voice-counts.ts'

const WORKERS = 3
const PROMISED = 6
const TRAFFIC_BETWEEN_KILLS = 12
const RETRY_MS = 50
/** Waiting for its client again, or closed because that client did not come in time. */
const SETTLED: ReadonlySet<string> = new Set(['ACTIVE', 'CLOSED restart', 'CLOSED error'])

/**
 * SIGKILL of pipecat while sessions come and go. Sessions whose start was answered are open again, stopped ones do not
 * come back, no part of a file is left, and every session that was ever counted is closed or active.
 */
export async function killSessions(needs: DrillNeeds, stack: Stack, home: string): Promise<void> {
  const { context, count, stateKills } = needs
  const address = { home, portBase: context.portBase }
  let settled = 0
  for (let kill = 1; kill <= stateKills; kill += 1) {
    context.progress.at(`durability: SIGKILL ${kill} of ${stateKills} of pipecat`)
    const broken = await killOnce(needs, stack, address)
    count('session-kill', broken.length === 0, broken.slice(0, 3).join('; '))
    if (broken.length === 0) settled += 1
  }
  needs.note({ what: 'ledger of pipecat', kills: stateKills, settled })
}

async function killOnce(needs: DrillNeeds, stack: Stack, address: StackAddress): Promise<readonly string[]> {
  const { context } = needs
  const folder = join(address.home, 'data', 'sessions')
  const open = await openSessions(address, PROMISED)
  const ended = open.slice(0, PROMISED / 2)
  const kept = open.slice(PROMISED / 2)
  for (const id of ended) await patiently(() => stopSession(address, id))
  // Files come before the answers: what was answered is promised.
  const names = new Set(readdirSync(folder))
  const isWritten =
    kept.every((id) => names.has(`${id}.json`)) && !ended.some((id) => names.has(`${id}.json`))
  const stopping = new AbortController()
  const signal = AbortSignal.any([stopping.signal, context.signal])
  const done = { sessions: 0 }
  const workers = Array.from({ length: WORKERS }, () => comeAndGo(signal, address, done))
  const isBusy = await untilTrue(context, async () => done.sessions >= TRAFFIC_BETWEEN_KILLS)
  const killed = killService(context, stack, 'pipecat')
  stopping.abort()
  const isBack = await killed
  await Promise.all(workers)
  if (!isBack) return ['did not come back']
  if (!isWritten) return ['a session was answered before its file']
  if (!isBusy) return ['no sessions before the kill']
  const isTidy = await untilTrue(context, async () =>
    readdirSync(folder).every((name) => isSession(folder, name)),
  )
  const broken = await brokenPromises({ kept, ended }, address)
  for (const name of readdirSync(folder))
    await patiently(() => stopSession(address, name.replace('.json', '')))
  return isTidy ? broken : [...broken, 'a part of a session file is left']
}

async function openSessions(address: StackAddress, count: number): Promise<readonly string[]> {
  const ids: string[] = []
  while (ids.length < count) ids.push(await patiently(() => startSession(address)))
  return ids
}

async function startSession(address: StackAddress): Promise<string> {
  const { status, body } = await askService(address, 'pipecat', { path: '/session/start', body: {} })
  const id = (body as { data?: { session_id?: unknown } }).data?.session_id
  if (status !== 200 || typeof id !== 'string') throw new Error(`no session was opened: ${status}`)
  return id
}

async function stopSession(address: StackAddress, id: string): Promise<void> {
  await askService(address, 'pipecat', { path: '/session/stop', body: { session_id: id } })
}

async function comeAndGo(
  signal: AbortSignal,
  address: StackAddress,
  done: { sessions: number },
): Promise<void> {
  while (!signal.aborted) {
    try {
      await stopSession(address, await startSession(address))
      done.sessions += 1
    } catch {
      await delay(RETRY_MS)
    }
  }
}

async function brokenPromises(
  { kept, ended }: { readonly kept: readonly string[]; readonly ended: readonly string[] },
  address: StackAddress,
): Promise<readonly string[]> {
  const broken: string[] = []
  for (const id of kept) {
    const state = await stateOf(address, id)
    if (!SETTLED.has(state)) broken.push(`session ${id} was open and is ${state}`)
  }
  for (const id of ended) {
    if ((await stateOf(address, id)) === 'ACTIVE') broken.push(`session ${id} was stopped and is open`)
  }
  const { created, closed, active } = await sessionCounts(address)
  if (created !== closed + active) broken.push(`${created} created, ${closed} closed, ${active} active`)
  return broken
}

async function stateOf(address: StackAddress, id: string): Promise<string> {
  const { status, body } = await patiently(() => askService(address, 'pipecat', { path: `/session/${id}` }))
  const { data } = body as { data?: { state?: unknown; closed_reason?: unknown } | null }
  if (typeof data?.state !== 'string') return `answered ${status}`
  return typeof data.closed_reason === 'string' ? `${data.state} ${data.closed_reason}` : data.state
}

function isSession(folder: string, name: string): boolean {
  const { session_id: id } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as { session_id?: unknown }
  return name === `${String(id)}.json`
}

async function sessionCounts(address: StackAddress): Promise<VoiceCounts> {
  const { body } = await patiently(() => askService(address, 'pipecat', { path: '/metrics' }))
  return voiceCounts(String(body))
}
