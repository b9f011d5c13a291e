import { join } from 'node:path'
import type { DestinationStream } from 'pino'
import type { Clock } from './clock.ts'
import type { SharedSettings } from './config.ts'
import { LogFile } from './log-file.ts'
import { type AccessLog, createAccessLog, createLogger, type Logger } from './logging.ts'
import type { ServiceMetrics } from './metrics.ts'

export interface Logging {
  readonly log: Logger
  readonly accessLog: AccessLog
  /** Everything written so far reaches the disk before this returns: for every exit path. */
  flush(): void
  close(): void
}

/** logs/<service>.log, and a terminal as well where there is one. */
export function createLogging(parts: {
  readonly service: string
  readonly folder: string
  readonly settings: Pick<SharedSettings, 'logLevel' | 'runId'>
  readonly clock: Clock
  readonly metrics: ServiceMetrics
  readonly terminal?: DestinationStream | undefined
}): Logging {
  const onLine = parts.metrics.tally('sonia_log_lines_total', 'level')
  const dropped = parts.metrics.counter('sonia_log_lines_dropped_total')
  const file = new LogFile({
    path: join(parts.folder, `${parts.service}.log`),
    onDrop: (count) => dropped.inc(count),
  })
  const { terminal } = parts
  const destination: DestinationStream =
    terminal === undefined
      ? file
      : {
          write: (line) => {
            file.write(line)
            terminal.write(line)
          },
        }
  const settings = {
    service: parts.service,
    runId: parts.settings.runId,
    level: parts.settings.logLevel,
    clock: parts.clock,
    destination,
    onLine,
  }
  return {
    log: createLogger(settings),
    accessLog: createAccessLog(settings),
    flush: () => file.flushSync(),
    close: () => file.close(),
  }
}
