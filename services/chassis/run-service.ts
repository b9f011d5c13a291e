import { writeSync } from 'node:fs'
import { resolve } from 'node:path'
import type { TObject } from 'typebox'
import { DEFAULT_PORT_BASE } from '#catalog'
import { findTelemetry } from '../../otel/handle.ts'
import { buildService, type BuiltService } from './build-service.ts'
import { ConfigError } from './config.ts'
import type { ServiceDefinition } from './define-service.ts'
import { within } from './stop-list.ts'

/** The parts of `process` that a service's process uses. */
export interface ServiceHost extends Pick<NodeJS.Process, 'env' | 'on' | 'stdout' | 'stderr' | 'cwd'> {
  // Not `never`: a test's host returns.
  exit(code: number): void
}

const EXIT = { ok: 0, badInput: 65, missing: 69, internal: 70, interrupted: 130 } as const
const STOP_MS = 1_500
const FLUSH_MS = 1_500
/** With every port of the set between 1024 and 65535. */
const PORT_BASE_MIN = 5_024
const PORT_BASE_MAX = 59_402
/** SIGTERM to exit; the parts above share it. */
const TOTAL_MS = 1_850

/** Runs one service until a signal ends it. Owns the process: port, signals, exit code. */
export async function runService<S extends TObject>(
  service: ServiceDefinition<S>,
  host: ServiceHost,
): Promise<void> {
  const built = await buildOrExit(service, host)
  if (built === undefined) return
  const log = built.log.log
  const stop = createStop(built, host)
  host.on('SIGTERM', () => stop(EXIT.ok))
  host.on('SIGINT', () => stop(EXIT.ok))
  const crash = (error: unknown) => {
    log.fatal({ operation: 'crash', error }, 'uncaught error')
    built.log.flush()
    host.exit(EXIT.internal)
  }
  host.on('uncaughtException', crash)
  host.on('unhandledRejection', crash)
  try {
    await built.app.listen({ host: built.bind, port: built.port })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    log.fatal({ operation: 'listen', error }, 'the port cannot be used')
    tell(host, `${service.name}: port ${built.port} on ${built.bind} cannot be used (${code ?? 'unknown'})`)
    await built.stop()
    host.exit(EXIT.missing)
    return
  }
  log.info({ operation: 'start', port: built.port }, 'listening')
}

async function buildOrExit<S extends TObject>(
  service: ServiceDefinition<S>,
  host: ServiceHost,
): Promise<BuiltService | undefined> {
  const { env } = host
  try {
    const built = await buildService(service, {
      home: resolve(host.cwd(), env['SONIA_HOME'] ?? 'var'),
      runId: env['SONIA_RUN'] ?? 'none',
      portBase: portBaseFrom(env['SONIA_PORT_BASE']),
      env,
      terminal: host.stdout.isTTY ? host.stdout : undefined,
    })
    return built
  } catch (error) {
    const isConfig = error instanceof ConfigError
    tell(host, `${service.name}: ${error instanceof Error ? error.message : String(error)}`)
    host.exit(isConfig ? EXIT.badInput : EXIT.internal)
    return undefined
  }
}

function portBaseFrom(text: string | undefined): number {
  if (text === undefined) return DEFAULT_PORT_BASE
  const portBase = Number(text)
  if (!Number.isInteger(portBase) || portBase < PORT_BASE_MIN || portBase > PORT_BASE_MAX) {
    throw new ConfigError([
      `SONIA_PORT_BASE must be a whole number from ${PORT_BASE_MIN} to ${PORT_BASE_MAX}`,
    ])
  }
  return portBase
}

/** Written synchronously: the process may end with the next statement. */
function tell(host: ServiceHost, text: string): void {
  writeSync(host.stderr.fd, `${text}\n`)
}

/** First signal drains, the second ends at once. */
function createStop(built: BuiltService, host: ServiceHost): (code: number) => void {
  let stopping = false
  return (code) => {
    if (stopping) {
      built.log.flush()
      host.exit(EXIT.interrupted)
      return
    }
    stopping = true
    void drain(built).finally(() => host.exit(code))
  }
}

async function drain(built: BuiltService): Promise<void> {
  const startedAtMs = performance.now()
  const leftMs = (limitMs: number) =>
    Math.max(1, Math.min(limitMs, TOTAL_MS - (performance.now() - startedAtMs)))
  built.log.log.info({ operation: 'stop' }, 'draining')
  // Telemetry of the last requests is sent while the rest closes, and once more for what came after.
  await within(STOP_MS, () => built.stop()).catch(() => undefined)
  await findTelemetry()?.shutdown(leftMs(FLUSH_MS))
  built.log.flush()
}
