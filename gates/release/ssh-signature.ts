import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runProcess } from '../evidence/run-process.ts'
import { fieldsOf, sshFingerprint, sshKeyLine, type SshPublicKey } from '../evidence/ssh-key.ts'

/** Each namespace is for one purpose: a signature made for another does not verify. */
export const NAMESPACES = {
  signOff: 'sonia-release-signoff@v1',
  policy: 'sonia-release-policy@v1',
  tag: 'git',
} as const

/** What an SSH signature says of itself (PROTOCOL.sshsig); true only once ssh-keygen has verified it. */
export interface SshSignature {
  readonly armored: string
  readonly key: SshPublicKey
  readonly keyId: string
  readonly namespace: string
}

const MAGIC = 'SSHSIG'
const BEGIN = '-----BEGIN SSH SIGNATURE-----'
const END = '-----END SSH SIGNATURE-----'
const ARMOR = new RegExp(`^${BEGIN}\n(?<body>[A-Za-z0-9+/=\n]+)\n${END}\n$`, 'u')
/** Width of ssh-keygen's lines. */
const LINE = 70
/** A person may have to type a passphrase or touch a key. */
const SIGN_TIMEOUT_MS = 300_000

/** Signs with a private key file, or by the agent or the hardware that a public key file names. */
export async function sshSign(
  message: Uint8Array,
  keyFile: string,
  namespace: string,
): Promise<SshSignature> {
  const result = await runProcess('ssh-keygen', ['-q', '-Y', 'sign', '-f', keyFile, '-n', namespace], {
    input: message,
    timeoutMs: SIGN_TIMEOUT_MS,
  })
  if (result.exitCode !== 0)
    throw new Error(`ssh-keygen could not sign with ${keyFile}: ${result.stderr.trim()}`)
  return parseSshSignature(result.stdout.toString('utf8'))
}

/** Only the one text that ssh-keygen, git or `armor` write for a signature is taken: a byte more is another file. */
export function parseSshSignature(armored: string): SshSignature {
  const body = ARMOR.exec(armored)?.groups?.['body']?.replaceAll('\n', '')
  if (body === undefined) throw new Error('not an SSH signature')
  const blob = Buffer.from(body, 'base64')
  if (blob.toString('base64') !== body || ![armor(body), armor(wrapped(body))].includes(armored))
    throw new Error('not an SSH signature as ssh-keygen writes it')
  if (blob.subarray(0, MAGIC.length).toString('latin1') !== MAGIC || blob.readUInt32BE(MAGIC.length) !== 1)
    throw new Error('not an SSH signature of version 1')
  const [keyBlob, namespace] = fieldsOf(blob.subarray(MAGIC.length + 4))
  if (keyBlob === undefined || namespace === undefined) throw new Error('the SSH signature is cut short')
  const key = { type: keyBlob.subarray(4, 4 + keyBlob.readUInt32BE(0)).toString('latin1'), blob: keyBlob }
  return {
    armored: armor(body),
    key,
    keyId: sshFingerprint(key),
    namespace: namespace.toString('utf8'),
  }
}

/** The base64 inside the armour, as a DSSE signature holds it. */
export function signatureBody(signature: SshSignature): string {
  return signature.armored.split('\n').slice(1, -2).join('')
}

export function armor(body: string): string {
  return `${BEGIN}\n${body}\n${END}\n`
}

function wrapped(body: string): string {
  return (body.match(new RegExp(`.{1,${LINE}}`, 'gu')) ?? []).join('\n')
}

export interface SshVerification {
  readonly message: Uint8Array
  readonly signature: SshSignature
  readonly namespace: string
  readonly key: SshPublicKey
}

/** Whether ssh-keygen itself accepts the signature by exactly this key in exactly this namespace. */
export async function isSshSigned(check: SshVerification, scratchFolder: string): Promise<boolean> {
  const folder = await mkdtemp(join(scratchFolder, 'sonia-ssh-'))
  try {
    const signers = join(folder, 'allowed_signers')
    const signature = join(folder, 'signature')
    await writeFile(signers, `signer namespaces="${check.namespace}" ${sshKeyLine(check.key)}\n`)
    await writeFile(signature, check.signature.armored)
    const args = ['-Y', 'verify', '-f', signers, '-I', 'signer', '-n', check.namespace, '-s', signature]
    const result = await runProcess('ssh-keygen', args, { input: check.message })
    return result.exitCode === 0
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
