import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto'
import { chmod, link, lstat, mkdir, open, readFile, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sshFingerprint, sshKeyLine, sshKeyOf } from './ssh-key.ts'

/** The key with which this machine vouches for what it measured. */
export interface MachineKey {
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  /** SSH SHA-256 fingerprint; also the DSSE keyid and the sigstore hint. */
  readonly keyId: string
  readonly publicKeyPem: string
  /** One line for an allowed-signers file or an authorized-keys list. */
  readonly publicKeyLine: string
}

export const MACHINE_KEY_FILE = 'evidence.key'
/** The public half beside it, as one OpenSSH line, to hand to whoever will verify. */
export const MACHINE_PUBLIC_KEY_FILE = 'evidence.pub'

/** Loads the machine key from a folder, making it at first use; refuses one that others could read. */
export async function loadMachineKey(folder: string): Promise<MachineKey> {
  const path = join(folder, MACHINE_KEY_FILE)
  const found = await lstat(path).catch(ignoreMissing)
  if (found === undefined) await createKeyFile(folder, path)
  else if (!found.isFile() || (found.mode & 0o077) !== 0)
    throw new Error(
      `${MACHINE_KEY_FILE} must be a file that only its owner can read: chmod 600 it, or replace it`,
    )
  const key = machineKeyFromPem(await readFile(path, 'utf8'))
  await writeFile(join(folder, MACHINE_PUBLIC_KEY_FILE), `${key.publicKeyLine}\n`)
  return key
}

export function newMachineKey(): MachineKey {
  return describeKey(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)
}

function machineKeyFromPem(pem: string): MachineKey {
  return describeKey(createPrivateKey(pem))
}

/** Private half in the form the file keeps. */
export function privatePem(key: MachineKey): string {
  return key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** Reads a public key exactly as this program writes it: text around it could say anything. */
export function publicKeyFromOwnPem(pem: string): KeyObject {
  const key = createPublicKey(pem)
  if (pem !== publicPem(key)) throw new Error('it holds more than a public key')
  return key
}

function publicPem(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'pem' }).toString()
}

function describeKey(privateKey: KeyObject): MachineKey {
  const publicKey = createPublicKey(privateKey)
  const ssh = sshKeyOf(publicKey)
  return {
    privateKey,
    publicKey,
    keyId: sshFingerprint(ssh),
    publicKeyPem: publicPem(publicKey),
    publicKeyLine: sshKeyLine(ssh),
  }
}

async function createKeyFile(folder: string, path: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const partial = `${path}.${randomBytes(6).toString('hex')}.partial`
  const file = await open(partial, 'wx', 0o600)
  try {
    await file.writeFile(privatePem(newMachineKey()))
    await file.sync()
  } finally {
    await file.close()
  }
  await chmod(partial, 0o600)
  // A link, unlike a rename, never replaces the key that another process made meanwhile.
  await link(partial, path).catch(ignoreExisting)
  await unlink(partial).catch(ignoreMissing)
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}

function ignoreExisting(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'EEXIST') throw error
}
