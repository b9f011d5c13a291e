import { SignJWT } from 'jose'
import { type CallerName, mayCall, type ServiceName } from '#catalog'
import { ServiceError } from '#chassis/errors.ts'
import { KEY_ALGORITHM, type SigningKey } from './key-files.ts'

const ISSUER = 'eva-os'

export interface IssuedToken {
  readonly token: string
  readonly expires_at: string
  readonly jti: string
}

export interface TokenMint {
  /** Throws FORBIDDEN for a pair that is not in the catalogue, UNAVAILABLE without a key. */
  issue(subject: CallerName, audience: ServiceName): Promise<IssuedToken>
}

export function createTokenMint(parts: {
  readonly signing: () => SigningKey | undefined
  readonly nowMs: () => number
  readonly newId: () => string
  readonly lifeSeconds: number
}): TokenMint {
  return {
    async issue(subject, audience) {
      if (!mayCall(subject, audience)) {
        throw new ServiceError('FORBIDDEN', `${subject} does not call ${audience}`)
      }
      const nowMs = parts.nowMs()
      const key = parts.signing()
      if (key === undefined) throw new ServiceError('UNAVAILABLE', 'There is no key to sign with')
      const issuedAt = Math.floor(nowMs / 1000)
      const expiresAt = issuedAt + parts.lifeSeconds
      const jti = parts.newId()
      const token = await new SignJWT()
        .setProtectedHeader({ alg: KEY_ALGORITHM, kid: key.kid, typ: 'JWT' })
        .setIssuer(ISSUER)
        .setSubject(subject)
        .setAudience(audience)
        .setIssuedAt(issuedAt)
        // Worthless before it was made: a clock that is set back does not lengthen its life.
        .setNotBefore(issuedAt)
        .setExpirationTime(expiresAt)
        .setJti(jti)
        .sign(key.privateKey)
      return { token, jti, expires_at: new Date(expiresAt * 1000).toISOString() }
    },
  }
}
