import { ServiceError } from './errors.ts'

/**
 * The refusal of a request that names two hosts (RFC 9112, section 3.2), or undefined. Node keeps the first and drops
 * the others, so a proxy in front of us that reads the last one would judge another request than we answer.
 */
export function refuseSecondHost(rawHeaders: readonly string[]): ServiceError | undefined {
  let hosts = 0
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts++
  }
  return hosts > 1 ? new ServiceError('INVALID_ARGUMENT', 'The request names more than one Host') : undefined
}
