import {
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

/** Ed25519 (RFC 8032) over the exact bytes of the manifest; the key is made at first use, 0600, in the configuration folder. */
export function signManifest(bytes: Buffer, configFolder: string, files: FileSystem): string {
  const key = privateKey(configFolder, files)
  return `${sign(null, bytes, key).toString('base64')}\n`
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

/** Throws SIGNATURE_WRONG where no trusted key made the signature, KEY_UNTRUSTED where none is known. */
export function checkSignature(bytes: Buffer, signature: Buffer, { keys }: Trust, on: string): void {
  if (keys.length === 0) {
    throw new BackupError('KEY_UNTRUSTED', on, {
      hint: 'name the public key of the machine that made it: --key backup.pub',
    })
  }
  const raw = Buffer.from(signature.toString('utf8').trim(), 'base64')
  const isGood = keys.some((key) => verify(null, bytes, createPublicKey(key), raw))
  if (isGood) return
  throw new BackupError('SIGNATURE_WRONG', on, {
    hint: 'the manifest was changed, or another machine made it: --key names its key',
  })
}
