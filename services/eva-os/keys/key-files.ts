import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { calculateJwkThumbprint, type CryptoKey, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose'
import { writeWhole } from '../store/whole-file.ts'

/** A key pair for service tokens. The private half exists here and in its 0600 file, nowhere else. */
export interface SigningKey {
  readonly kid: string
  readonly createdAtMs: number
  readonly privateKey: CryptoKey
  readonly publicJwk: JWK
}

export interface KeyFiles {
  /** All keys that can be trusted; the others are told to `onRefused` and left out. */
  read(): Promise<readonly SigningKey[]>
  create(nowMs: number): Promise<SigningKey>
  remove(kid: string): void
}

export const KEY_ALGORITHM = 'EdDSA'

const READABLE_BY_OTHERS = 0o077
const FILE_NAME = /^[A-Za-z0-9_-]{43}\.json$/

export function keyFiles(folder: string, onRefused: (file: string, why: string) => void): KeyFiles {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return {
    async read() {
      const keys: SigningKey[] = []
      for (const name of readdirSync(folder).filter((file) => FILE_NAME.test(file))) {
        try {
          keys.push(await readKey(join(folder, name)))
        } catch (error) {
          onRefused(name, error instanceof Error ? error.message : 'not readable')
        }
      }
      return keys
    },
    async create(nowMs) {
      const pair = await generateKeyPair(KEY_ALGORITHM, { crv: 'Ed25519', extractable: true })
      const jwk = await exportJWK(pair.privateKey)
      const kid = await calculateJwkThumbprint(jwk)
      writeWhole(join(folder, `${kid}.json`), `${JSON.stringify({ created_at_ms: nowMs, jwk })}\n`)
      return signingKey(jwk, nowMs)
    },
    remove: (kid) => {
      rmSync(join(folder, `${kid}.json`), { force: true })
    },
  }
}

async function readKey(path: string): Promise<SigningKey> {
  const stats = lstatSync(path)
  if (!stats.isFile()) throw new Error('is not a regular file')
  if ((stats.mode & READABLE_BY_OTHERS) !== 0) throw new Error('was readable by others')
  const { created_at_ms: createdAtMs, jwk } = JSON.parse(readFileSync(path, 'utf8')) as {
    created_at_ms?: unknown
    jwk?: JWK
  }
  if (!Number.isSafeInteger(createdAtMs) || jwk === undefined) throw new Error('is damaged')
  return signingKey(jwk, createdAtMs as number)
}

async function signingKey(jwk: JWK, createdAtMs: number): Promise<SigningKey> {
  const { kty, crv, x } = jwk
  if (kty !== 'OKP' || crv !== 'Ed25519' || x === undefined) throw new Error('is no Ed25519 key')
  const kid = await calculateJwkThumbprint(jwk)
  const privateKey = (await importJWK(jwk, KEY_ALGORITHM)) as CryptoKey
  return { kid, createdAtMs, privateKey, publicJwk: { kty, crv, x, kid, use: 'sig', alg: KEY_ALGORITHM } }
}
