import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface RecordedPrometheus {
  readonly url: string
  /** It ended by itself: killed by what it was asked, or by the machine. */
  readonly hasEnded: () => boolean
  stop(): Promise<void>
}

/** Of one query, in memory at once: 48 h of six services need a hundredth of it. */
const SAMPLES_MAX = 10_000_000
const QUERY_TIMEOUT = '25s'
const READY_MS = 15_000
const STOP_MS = 5_000
const LOG_TAIL = 2_000
/** Scrapes nothing, evaluates nothing: it only answers from the blocks it is given. */
const EMPTY_CONFIG = 'global: {}\n'

/** Starts Prometheus over recorded blocks on a free loopback port. It writes into the folder: give it a copy. */
export async function startOverBlocks(
  binary: string,
  scratch: string,
  blocks: string,
): Promise<RecordedPrometheus> {
  await mkdir(blocks, { recursive: true })
  const config = join(scratch, 'prometheus.yml')
  await writeFile(config, EMPTY_CONFIG)
  const child = spawn(
    binary,
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${blocks}`,
      '--storage.tsdb.retention.time=100y',
      '--web.listen-address=127.0.0.1:0',
      `--query.max-samples=${SAMPLES_MAX}`,
      `--query.timeout=${QUERY_TIMEOUT}`,
      '--log.format=json',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'], cwd: scratch },
  )
  const stop = () => stopChild(child)
  try {
    const address = await listeningAddress(child)
    const url = `http://${address}`
    await untilReady(url, child)
    return { url, hasEnded: () => child.exitCode !== null || child.signalCode !== null, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** The port is chosen by the system and named in the log. */
function listeningAddress(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = ''
    let address: string | null = null
    const timer = setTimeout(() => reject(new Error(`Prometheus did not start in time: ${said}`)), READY_MS)
    const settle = (act: () => void) => {
      clearTimeout(timer)
      act()
    }
    child.stderr?.on('data', (chunk: Buffer) => {
      said += chunk.toString('utf8')
      address ??= /"msg":"Listening on","[^\n]*?"?address":"([^"]+)"/u.exec(said)?.[1] ?? null
      const found = address
      if (found !== null) settle(() => resolve(found))
      // Only what was read already may be forgotten: a long burst holds the address somewhere in its middle.
      said = said.slice(-LOG_TAIL)
    })
    child.once('error', (cause) => settle(() => reject(new Error(`${cause.message}`, { cause }))))
    child.once('exit', (code) =>
      settle(() => reject(new Error(`Prometheus ended with ${code}: ${said.trim()}`))),
    )
  })
}

async function untilReady(url: string, child: ChildProcess): Promise<void> {
  const deadline = AbortSignal.timeout(READY_MS)
  for (;;) {
    if (child.exitCode !== null)
      throw new Error(`Prometheus could not open the recorded blocks (it ended with ${child.exitCode})`)
    const response = await fetch(`${url}/-/ready`, { signal: deadline }).catch((error: unknown) => {
      if (codeOf(error) === 'ENETUNREACH')
        throw new Error('there is no way to 127.0.0.1: the loopback interface is down', { cause: error })
      if (deadline.aborted) throw new Error('Prometheus was not ready in time', { cause: error })
    })
    if (response?.ok === true) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** `fetch` wraps the reason of a failed connection. */
function codeOf(error: unknown): unknown {
  const cause = error instanceof Error ? error.cause : undefined
  return typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
  await ended
  clearTimeout(timer)
}
