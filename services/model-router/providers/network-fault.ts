import { CallerGone, UpstreamFault } from '../upstream-fault.ts'

/** Translates errors of the connection; `otherwise` says what an unnamed break means at this point. */
export function faultOfNetwork(error: unknown, otherwise: 'refused' | 'cut'): Error {
  if (error instanceof UpstreamFault || error instanceof CallerGone) return error
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const kind = code === 'UND_ERR_CONNECT_TIMEOUT' ? 'connect_timeout' : otherwise
  return new UpstreamFault(kind, `connection failed (${typeof code === 'string' ? code : 'no code'})`, {
    cause: error,
  })
}
