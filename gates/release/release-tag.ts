import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { finding, type Finding } from '../evidence/findings.ts'
import { askGit, tellGit } from '../evidence/repository.ts'
import { outputOf } from '../evidence/run-process.ts'
import { sshKeyLine } from '../evidence/ssh-key.ts'
import type { Candidate } from './candidate.ts'
import { selfReason, type SignOffContext } from './judge-sign-offs.ts'
import { holdsRoleFor, isValidAt, keysOf, revocationOf } from './policy.ts'
import { isSshSigned, NAMESPACES, parseSshSignature, type SshSignature } from './ssh-signature.ts'

/** What a tag of a release must say. */
export interface TagClaim {
  readonly name: string
  readonly commit: string
  readonly candidate: Candidate
  readonly runId: string
  readonly manifestSha256: string
  readonly summarySha256: string
}

export interface TagSigner {
  readonly name: string
  readonly email: string
  readonly keyFile: string
}

const SIGNATURE_BEGIN = '-----BEGIN SSH SIGNATURE-----'
const SIGN_TIMEOUT_MS = 300_000

function tagMessage(claim: TagClaim): string {
  return [
    `Release candidate ${claim.candidate.number} of version ${claim.candidate.version}`,
    '',
    `run: ${claim.runId}`,
    `manifest-sha256: ${claim.manifestSha256}`,
    `summary-sha256: ${claim.summarySha256}`,
    '',
  ].join('\n')
}

/** Makes a signed annotated tag; an existing one is never moved. */
export async function makeTag(repository: string, claim: TagClaim, signer: TagSigner): Promise<string> {
  const settings = [
    'gpg.format=ssh',
    `user.signingkey=${signer.keyFile}`,
    `user.name=${signer.name}`,
    `user.email=${signer.email}`,
    'core.commentChar=;',
  ].flatMap((setting) => ['-c', setting])
  const args = [...settings, 'tag', '-s', '--cleanup=verbatim', '-F', '-', claim.name, claim.commit]
  const options = { cwd: repository, input: tagMessage(claim), timeoutMs: SIGN_TIMEOUT_MS }
  await outputOf('git', args, options)
  return readTag(repository, claim.name)
}

/** The tag object as git stores it. A lightweight tag has none. */
export async function readTag(repository: string, name: string): Promise<string> {
  return tellGit(repository, ['cat-file', 'tag', `refs/tags/${name}`])
}

export async function deleteTag(repository: string, name: string): Promise<void> {
  await outputOf('git', ['tag', '-d', name], { cwd: repository })
}

export interface TagContext extends SignOffContext {
  readonly scratchFolder: string
}

/** Whether a tag object says what it must and is signed by somebody who may decide on releases. */
export async function checkTag(
  raw: string,
  claim: TagClaim,
  context: TagContext,
): Promise<readonly Finding[]> {
  const at = raw.indexOf(SIGNATURE_BEGIN)
  if (at < 0) return [finding('TAG_CHANGED', `the tag ${claim.name} carries no SSH signature`)]
  const payload = raw.slice(0, at)
  const headEnd = payload.indexOf('\n\n')
  const [object, type, tag] = payload.slice(0, headEnd).split('\n')
  if (object !== `object ${claim.commit}` || type !== 'type commit')
    return [finding('TAG_CHANGED', `the tag ${claim.name} points to something else than ${claim.commit}`)]
  if (tag !== `tag ${claim.name}`)
    return [finding('TAG_CHANGED', `the tag object calls itself "${tag ?? ''}", not ${claim.name}`)]
  if (payload.slice(headEnd + 2) !== tagMessage(claim))
    return [finding('TAG_CHANGED', `the message of ${claim.name} is not that of this manifest and summary`)]
  return checkSigner(raw.slice(at), payload, claim, context)
}

function readSignature(armored: string): SshSignature | null {
  try {
    return parseSshSignature(armored)
  } catch {
    return null
  }
}

async function checkSigner(
  armored: string,
  payload: string,
  claim: TagClaim,
  context: TagContext,
): Promise<readonly Finding[]> {
  const { policy, atMs, scratchFolder } = context
  const signature = readSignature(armored)
  if (signature === null)
    return [finding('TAG_CHANGED', `${claim.name} does not end in a signature as git writes it`)]
  const known = keysOf(policy).find((one) => one.keyId === signature.keyId)
  if (known === undefined || !holdsRoleFor(policy, known.person, 'release'))
    return [finding('TAG_SIGNER', `${claim.name} is signed by ${signature.keyId}, who may not release`)]
  const revoked = revocationOf(policy, signature.keyId)
  if (revoked !== null)
    return [finding('KEY_REVOKED', `the key that signed ${claim.name} was revoked: ${revoked}`)]
  if (!isValidAt(known, atMs))
    return [finding('KEY_EXPIRED', `the key that signed ${claim.name} was not valid at that time`)]
  const tooClose = selfReason(known.person, context)
  if (tooClose !== null)
    return [finding('TAG_SIGNER', `${known.person.name} signed ${claim.name} and may not: ${tooClose}`)]
  const check = { message: Buffer.from(payload), signature, namespace: NAMESPACES.tag, key: known.key }
  if (await isSshSigned(check, scratchFolder)) return []
  return [
    finding(
      'SIGNATURE_INVALID',
      `the signature of the tag ${claim.name} is not that of ${known.person.name}`,
    ),
  ]
}

/** Git's own opinion of a tag, by exit code alone: it prints "Good" also where it fails. */
export async function gitAcceptsTag(repository: string, name: string, context: TagContext): Promise<boolean> {
  const folder = await mkdtemp(join(context.scratchFolder, 'sonia-tag-'))
  try {
    const signers = join(folder, 'allowed_signers')
    const lines = keysOf(context.policy)
      .filter((one) => holdsRoleFor(context.policy, one.person, 'release'))
      .map((one) => `${one.person.name} namespaces="git" ${sshKeyLine(one.key)}\n`)
    await writeFile(signers, lines.join(''))
    const settings = ['-c', 'gpg.format=ssh', '-c', `gpg.ssh.allowedSignersFile=${signers}`]
    const { exitCode } = await askGit(repository, [...settings, 'verify-tag', `refs/tags/${name}`])
    return exitCode === 0
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
