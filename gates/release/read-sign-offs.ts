import { LAYOUT } from '../evidence/bundle-layout.ts'
import { finding, type Finding } from '../evidence/findings.ts'
import {
  missingApprovals,
  objectionTo,
  topicStates,
  vanishedSignOffs,
  type CountedSignOff,
  type SignOffContext,
  type TopicState,
} from './judge-sign-offs.ts'
import { keysOf } from './policy.ts'
import { readSignOffFiles } from './sign-off-files.ts'
import type { SignOffFile } from './sign-off.ts'
import { isSshSigned, NAMESPACES } from './ssh-signature.ts'

export interface SignOffs {
  readonly files: readonly SignOffFile[]
  readonly states: readonly TopicState[]
  /** What is wrong with sign-offs that are there. */
  readonly faults: readonly Finding[]
  /** What is still missing before all of it is approved. */
  readonly missing: readonly Finding[]
  readonly names: ReadonlySet<string>
}

/** All sign-offs of a bundle: read, each signature verified by ssh-keygen, counted under the policy. */
export async function readSignOffs(
  bundle: string,
  context: SignOffContext,
  scratchFolder: string,
): Promise<SignOffs> {
  const { files, malformed, names } = await readSignOffFiles(bundle)
  const counted: CountedSignOff[] = []
  const faults: Finding[] = [...malformed]
  for (const file of files) {
    const fault = objectionTo(file, context) ?? (await signatureFault(file, context, scratchFolder))
    const person = context.policy.people.find((one) => one.name === file.signOff.person)
    if (fault !== null) faults.push(fault)
    else if (person !== undefined) counted.push({ file, person })
  }
  const states = topicStates(counted, context)
  return {
    files,
    states,
    faults: [...faults, ...vanishedSignOffs(files)],
    missing: missingApprovals(states),
    names,
  }
}

async function signatureFault(
  file: SignOffFile,
  { policy }: SignOffContext,
  scratchFolder: string,
): Promise<Finding | null> {
  const known = keysOf(policy).find((one) => one.keyId === file.signature.keyId)
  const check = { message: file.message, signature: file.signature, namespace: NAMESPACES.signOff }
  if (known !== undefined && (await isSshSigned({ ...check, key: known.key }, scratchFolder))) return null
  const path = `${LAYOUT.attestations}/${file.name}`
  return finding('SIGNATURE_INVALID', `the signature in ${path} is not that of ${file.signOff.person}`, path)
}
