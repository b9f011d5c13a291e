import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Host } from '../host.ts'

const run = promisify(execFile)
const TIMEOUT_MS = 30_000
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024
const SAID_CHARS_MAX = 500

/** Runs `./sonia <args>` as a person would, on this state folder; throws with what it said where it failed. */
async function sonia(host: Host, home: string, args: readonly string[]): Promise<string> {
  const program = join(host.repository, 'gates', 'main.ts')
  const { stdout } = await run(process.execPath, [program, ...args], {
    env: { ...host.env, SONIA_HOME: home },
    timeout: TIMEOUT_MS,
    maxBuffer: OUTPUT_BYTES_MAX,
  }).catch((cause: unknown) => {
    const { code, signal, stderr } = cause as { code?: number; signal?: string | null; stderr?: string }
    const ended = signal ? `by ${signal}` : `with ${code}`
    throw new Error(`./sonia ${args[0]} ended ${ended}: ${(stderr ?? '').trim().slice(0, SAID_CHARS_MAX)}`, {
      cause,
    })
  })
  return stdout
}

/** Services whose lines `./sonia logs` shows for an id. */
export async function servicesInLogs(
  host: Host,
  home: string,
  correlationId: string,
): Promise<ReadonlySet<string>> {
  const text = await sonia(host, home, [
    'logs',
    '--correlation-id',
    correlationId,
    '--level',
    'DEBUG',
    '--json',
  ])
  const lines = text.split('\n').filter((line) => line !== '')
  return new Set(lines.map((line) => String((JSON.parse(line) as { service: unknown }).service)))
}

/** Services whose spans `./sonia trace` shows for an id. */
export async function servicesInTrace(
  host: Host,
  home: string,
  correlationId: string,
): Promise<ReadonlySet<string>> {
  const text = await sonia(host, home, ['trace', correlationId, '--json'])
  const spans = JSON.parse(text) as readonly { readonly service: string }[]
  return new Set(spans.map(({ service }) => service))
}
