import { createHash, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'

/** A public key in the form OpenSSH writes on one line. */
export interface SshPublicKey {
  readonly type: string
  readonly blob: Buffer
}

const P256 = 'ecdsa-sha2-nistp256'
const KEY_LINE = /^(?<type>[a-z0-9@.-]+)\s+(?<blob>[A-Za-z0-9+/]+={0,2})(?:\s|$)/u

/** Wire form of RFC 5656 section 3.1, so that ssh-keygen prints the same fingerprint. */
export function sshKeyOf(publicKey: KeyObject): SshPublicKey {
  const jwk = publicKey.export({ format: 'jwk' })
  if (jwk.crv !== 'P-256' || jwk.x === undefined || jwk.y === undefined)
    throw new Error('the machine key must be ECDSA on P-256')
  const point = Buffer.concat([
    Buffer.from([4]),
    Buffer.from(jwk.x, 'base64url'),
    Buffer.from(jwk.y, 'base64url'),
  ])
  return { type: P256, blob: Buffer.concat([field(P256), field('nistp256'), field(point)]) }
}

/** Reads `type base64 [comment]`; the type in front must be the one inside the blob. */
export function parseSshKey(line: string): SshPublicKey {
  const found = KEY_LINE.exec(line.trim())?.groups
  if (found?.['type'] === undefined || found['blob'] === undefined)
    throw new Error(`not an OpenSSH public key: ${line.slice(0, 60)}`)
  const key = { type: found['type'], blob: Buffer.from(found['blob'], 'base64') }
  if (firstField(key.blob) !== key.type)
    throw new Error(`the key says ${key.type} in front and another type inside`)
  return key
}

/** `SHA256:...` without padding: cosign and its relatives skip a key under any other id. */
export function sshFingerprint(key: SshPublicKey): string {
  return `SHA256:${createHash('sha256').update(key.blob).digest('base64').replace(/=+$/u, '')}`
}

export function sshKeyLine(key: SshPublicKey): string {
  return `${key.type} ${key.blob.toString('base64')}`
}

/** The key as node:crypto verifies with it; null for types that only ssh-keygen handles. */
export function cryptoKeyOf(key: SshPublicKey): KeyObject | null {
  if (key.type !== P256) return null
  const point = lastField(key.blob)
  if (point.length !== 65 || point[0] !== 4) throw new Error('the P-256 key has a malformed point')
  const jwk: JsonWebKey = {
    kty: 'EC',
    crv: 'P-256',
    x: point.subarray(1, 33).toString('base64url'),
    y: point.subarray(33).toString('base64url'),
  }
  return createPublicKey({ key: jwk, format: 'jwk' })
}

/** One length-prefixed string of RFC 4251 section 5. */
export function field(content: Uint8Array | string): Buffer {
  const bytes = Buffer.from(content)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

/** Splits a blob that is nothing but length-prefixed strings. */
export function fieldsOf(blob: Buffer): readonly Buffer[] {
  const fields: Buffer[] = []
  for (let at = 0; at < blob.length; ) {
    if (at + 4 > blob.length) throw new Error('the SSH blob ends inside a length')
    const end = at + 4 + blob.readUInt32BE(at)
    if (end > blob.length) throw new Error('the SSH blob ends inside a field')
    fields.push(blob.subarray(at + 4, end))
    at = end
  }
  return fields
}

function firstField(blob: Buffer): string {
  if (blob.length < 4) throw new Error('the SSH key blob is too short')
  return blob.subarray(4, 4 + blob.readUInt32BE(0)).toString('latin1')
}

function lastField(blob: Buffer): Buffer {
  return fieldsOf(blob).at(-1) ?? Buffer.alloc(0)
}
