import { ServiceError } from '#chassis/errors.ts'
import { refusal } from '../refusal.ts'

const URL_CHARACTERS_MAX = 2_048
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u

/** A URL that may be asked for, before its host is resolved. Throws a refusal. */
export function parsePageUrl(text: string): URL {
  if (text.length > URL_CHARACTERS_MAX) throw new ServiceError('INVALID_ARGUMENT', 'The URL is too long.')
  if (INVISIBLE.test(text) || text !== text.trim() || text.includes('\\')) {
    throw new ServiceError('INVALID_ARGUMENT', 'The URL contains characters that readers disagree about.')
  }
  const url = URL.parse(text)
  if (url === null) throw new ServiceError('INVALID_ARGUMENT', 'The URL is not valid.')
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw refusal('SCHEME_REFUSED', 'Only http and https are opened.')
  }
  if (!/^https?:\/\/[^/]/i.test(text)) throw new ServiceError('INVALID_ARGUMENT', 'The URL is not valid.')
  if (url.username !== '' || url.password !== '') {
    throw refusal('ADDRESS_REFUSED', 'URLs with credentials are not opened.')
  }
  return url
}
