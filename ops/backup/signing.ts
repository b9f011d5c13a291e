import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto'
import { join } from 'node:path'
import { writeWhole } from '../write-whole.ts'
import { BackupError } from './backup-error.ts'
import type { FileSystem } from './file-system.ts'

const PRIVATE_NAME = 'backup.key'
const PUBLIC_NAME = 'backup.pub'

/**
 * Ed25519 (RFC 8032) over the exact bytes of the manifest, and which key made it; the key is made at first use, 0600, in
 * the configuration folder.
 */
export function signManifest(bytes: Buffer, configFolder: string, files: FileSystem): string {
  const key = privateKey(configFolder, files)
  return `${sign(null, bytes, key).toString('base64')} ${fingerprint(createPublicKey(key))}\n`
}

function fingerprint(key: KeyObject): string {
  const bytes = key.export({ type: 'spki', format: 'der' })
  return `SHA256:${createHash('sha256').update(bytes).digest('base64').replace(/=+$/, '')}`
}

function privateKey(configFolder: string, files: FileSystem): KeyObject {
  const path = join(configFolder, PRIVATE_NAME)
  if (files.kindOf(path) === 'file') return createPrivateKey(files.read(path))
  const { privateKey: made, publicKey } = generateKeyPairSync('ed25519')
  writeWhole(path, made.export({ type: 'pkcs8', format: 'pem' }), 0o600)
  writeWhole(join(configFolder, PUBLIC_NAME), publicKey.export({ type: 'spki', format: 'pem' }), 0o644)
  return made
}

export interface Trust {
  /** Public keys (PEM) of those whose backups may be restored. */
  readonly keys: readonly string[]
}

/** The installation's own key; a fresh machine is told its key by `--key`. */
export function ownTrust(configFolder: string, files: FileSystem): Trust {
  const path = join(configFolder, PUBLIC_NAME)
  return { keys: files.kindOf(path) === 'file' ? [files.read(path).toString('utf8')] : [] }
}

/** Throws KEY_UNTRUSTED where another key than a trusted one signed, SIGNATURE_WRONG where it signed other bytes. */
export function checkSignature(bytes: Buffer, signature: Buffer, { keys }: Trust, on: string): void {
  // Which key it was is only said, so it chooses between two refusals, never between refusal and trust.
  const [encoded = '', signer] = signature.toString('utf8').trim().split(' ')
  const raw = Buffer.from(encoded, 'base64')
  const trusted = keys.map((key) => createPublicKey(key))
  if (trusted.some((key) => verify(null, bytes, key, raw))) return
  const isStranger = signer !== undefined && !trusted.some((key) => fingerprint(key) === signer)
  if (keys.length > 0 && !isStranger) {
    throw new BackupError('SIGNATURE_WRONG', on, { hint: 'the manifest was changed; take another backup' })
  }
  throw new BackupError('KEY_UNTRUSTED', on, {
    hint: 'name the public key of the machine that made it: --key backup.pub',
  })
}
