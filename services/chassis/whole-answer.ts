import type { Dispatcher, Pool } from 'undici'
import { ServiceError } from './errors.ts'
import type { OnwardExchange } from './onward-exchange.ts'

/** An answer that was read to its end. */
export interface WholeAnswer {
  readonly statusCode: number
  readonly headers: Dispatcher.ResponseData['headers']
  readonly text: string
}

const BYTES_MAX = 32 * 1024 * 1024

/**
 * Sends a request and gathers its answer. Below undici's `request`, whose stream, signal and listeners per call cost more
 * than the call (docs/performance.md).
 */
export function requestWhole(
  pool: Pool,
  options: Dispatcher.DispatchOptions,
  exchange: OnwardExchange,
): Promise<WholeAnswer> {
  return new Promise((resolve, reject) => {
    let statusCode = 0
    let headers: WholeAnswer['headers'] = {}
    let bytes = 0
    const chunks: Buffer[] = []
    let stop: ((reason: Error) => void) | undefined
    exchange.onAbort((reason) => {
      reject(reason)
      stop?.(reason)
    })
    pool.dispatch(options, {
      onRequestStart(controller) {
        stop = (reason) => controller.abort(reason)
        if (exchange.reason !== undefined) stop(exchange.reason)
      },
      onResponseStart(_controller, status, received) {
        statusCode = status
        headers = received
      },
      onResponseData(controller, chunk) {
        bytes += chunk.length
        if (bytes > BYTES_MAX) {
          controller.abort(new ServiceError('INTERNAL_ERROR', 'A neighbour answered with too much'))
        } else chunks.push(chunk)
      },
      onResponseEnd() {
        resolve({ statusCode, headers, text: textOf(chunks) })
      },
      onResponseError(_controller, error) {
        reject(error)
      },
    })
  })
}

function textOf(chunks: readonly Buffer[]): string {
  const [first] = chunks
  return chunks.length === 1 && first !== undefined
    ? first.toString('utf8')
    : Buffer.concat(chunks).toString('utf8')
}
