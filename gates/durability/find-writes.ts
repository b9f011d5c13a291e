import { setTimeout as delay } from 'node:timers/promises'
import { askService, serviceToken, type StackAddress } from '../runners/service-access.ts'
import { searchWords } from './drill-content.ts'
import { patiently } from './kill-service.ts'
import type { AcknowledgedWrite } from './write-load.ts'

const ASKS_MAX = 50
const RETRY_MS = 100

/** Acknowledged writes that a running memory-engine does not give back, word for word. */
export async function missingInService(
  address: StackAddress,
  writes: readonly AcknowledgedWrite[],
): Promise<readonly AcknowledgedWrite[]> {
  const missing: AcknowledgedWrite[] = []
  const token = { text: '' }
  for (const write of writes) {
    if ((await contentOf(address, write.id, token)) !== write.content) missing.push(write)
  }
  return missing
}

/** Null where there is no such memory. A service that is too busy to say is asked again, and then fails the drill. */
async function contentOf(address: StackAddress, id: string, token: { text: string }): Promise<unknown> {
  for (let ask = 1; ask <= ASKS_MAX; ask += 1) {
    const headers = { 'x-service-token': token.text }
    const answer = await askService(address, 'memory-engine', { path: `/recall/${id}`, headers }).catch(
      () => null,
    )
    if (answer?.status === 404) return null
    if (answer?.status === 200) return (answer.body as { content?: unknown }).content
    // No token yet, or it ran out while the machine stood still.
    if (answer?.status === 401)
      token.text = await patiently(() => serviceToken(address, 'api-gateway', 'memory-engine'))
    else await delay(RETRY_MS)
  }
  throw new Error(`memory-engine does not say whether it has ${id}`)
}

/** Whether a search for its own words finds the write. */
export async function isFoundBySearch(address: StackAddress, write: AcknowledgedWrite): Promise<boolean> {
  const token = await serviceToken(address, 'api-gateway', 'memory-engine')
  const { status, body } = await askService(address, 'memory-engine', {
    path: '/search',
    body: { query: searchWords(write.content), limit: 20 },
    headers: { 'x-service-token': token },
  })
  const results = (body as { results?: unknown }).results
  return (
    status === 200 &&
    Array.isArray(results) &&
    results.some((result: { id?: unknown }) => result.id === write.id)
  )
}
