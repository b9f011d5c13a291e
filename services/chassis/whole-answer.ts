import type { Dispatcher, Pool } from 'undici'
import { ServiceError } from './errors.ts'
import { createGatherer } from './gatherer.ts'

/** An answer that was read to its end. */
export interface WholeAnswer {
  readonly statusCode: number
  readonly headers: Dispatcher.ResponseData['headers']
  readonly text: string
}

/** Who waits for a whole answer. */
export interface WholeReader {
  /** Calls the listener when the answer is given up, at once where that has been so. */
  readonly onAbort: (listener: (reason: Error) => void) => void
  /** 32 MiB unless said otherwise. */
  readonly bytesMax?: number
  readonly tooLarge?: () => Error
  /** Is told the head before any of the body comes; an error that it answers ends the request. */
  readonly onHead?: (statusCode: number, headers: WholeAnswer['headers']) => Error | undefined
  readonly onPiece?: () => void
}

const BYTES_MAX = 32 * 1024 * 1024

/**
 * Sends a request and gathers its answer. Below undici's `request`, whose stream, signal and listeners per call cost more
 * than the call (docs/performance.md).
 */
export function requestWhole(
  pool: Pool,
  options: Dispatcher.DispatchOptions,
  reader: WholeReader,
): Promise<WholeAnswer> {
  const { bytesMax = BYTES_MAX, tooLarge = ofNeighbour } = reader
  return new Promise((resolve, reject) => {
    const body = createGatherer()
    let statusCode = 0
    let headers: WholeAnswer['headers'] = {}
    let givenUp: Error | undefined
    let stop: ((reason: Error) => void) | undefined
    const giveUp = (reason: Error) => {
      givenUp = reason
      reject(reason)
      stop?.(reason)
    }
    reader.onAbort(giveUp)
    pool.dispatch(options, {
      onRequestStart(controller) {
        stop = (reason) => controller.abort(reason)
        if (givenUp !== undefined) stop(givenUp)
      },
      onResponseStart(_controller, status, received) {
        if (status < 200) return
        statusCode = status
        headers = received
        const refusal = reader.onHead?.(status, received)
        if (refusal !== undefined) giveUp(refusal)
      },
      onResponseData(_controller, piece) {
        body.add(piece)
        if (body.bytes() > bytesMax) giveUp(tooLarge())
        else reader.onPiece?.()
      },
      onResponseEnd() {
        resolve({ statusCode, headers, text: body.take().toString('utf8') })
      },
      onResponseError(_controller, error) {
        reject(error)
      },
    })
  })
}

function ofNeighbour(): Error {
  return new ServiceError('INTERNAL_ERROR', 'A neighbour answered with too much')
}
