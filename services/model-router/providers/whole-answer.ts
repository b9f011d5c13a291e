import type { Dispatcher, Pool } from 'undici'
import { createGatherer } from '../streaming/gatherer.ts'
import { UpstreamFault } from '../upstream-fault.ts'
import { faultOfNetwork } from './network-fault.ts'
import type { Watch } from './watch.ts'

const ANSWER_BYTES_MAX = 16 << 20

export interface WholeRequest {
  readonly options: Dispatcher.DispatchOptions
  readonly watch: Watch
  /** What a status other than 200 stands for. */
  readonly faultOf: (status: number, headers: Dispatcher.ResponseData['headers']) => UpstreamFault
}

/**
 * Sends a request and gathers the body of its answer, of bounded size; the watch is renewed with every piece. Below
 * undici's `request`, whose stream, signal and listeners cost more than the sending (docs/performance.md).
 */
export function requestWhole(pool: Pool, { options, watch, faultOf }: WholeRequest): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const answer = createGatherer()
    let hasBegun = false
    let givenUp: Error | undefined
    let abort: ((reason: Error) => void) | undefined
    const giveUp = (reason: Error) => {
      givenUp = reason
      reject(reason)
      abort?.(reason)
    }
    watch.onAbort(giveUp)
    pool.dispatch(options, {
      onRequestStart(controller) {
        abort = (reason) => controller.abort(reason)
        if (givenUp !== undefined) abort(givenUp)
      },
      onResponseStart(_controller, status, headers) {
        if (status < 200) return
        if (status === 200) hasBegun = true
        else giveUp(faultOf(status, headers))
      },
      onResponseData(_controller, piece) {
        answer.add(piece)
        if (answer.bytes() > ANSWER_BYTES_MAX) giveUp(new UpstreamFault('malformed', 'answer is too large'))
        else watch.renew()
      },
      onResponseEnd() {
        resolve(answer.take())
      },
      onResponseError(_controller, error) {
        reject(faultOfNetwork(error, hasBegun ? 'cut' : 'refused'))
      },
    })
  })
}
