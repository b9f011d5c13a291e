import type { ReadManifest } from '../evidence/check-files.ts'
import { LAYOUT } from '../evidence/bundle-layout.ts'
import { presentOf } from '../evidence/file-tree.ts'
import { finding, type Finding } from '../evidence/findings.ts'
import type { ReleaseFindings } from '../evidence/verify-bundle.ts'
import { readSignOffFiles } from './sign-off-files.ts'
import { isSshSigned, NAMESPACES } from './ssh-signature.ts'

const PARTS_OF_RELEASE = [
  LAYOUT.releasePage,
  LAYOUT.checklist,
  LAYOUT.policy,
  LAYOUT.policySignature,
  LAYOUT.sealerKeyPem,
]

/** Nothing vouches for these where no release was sealed: a page that calls it released would be believed. */
async function partsOfRelease(bundle: string): Promise<readonly Finding[]> {
  const present = await presentOf(bundle, PARTS_OF_RELEASE)
  return present.map((path) =>
    finding('FILE_EXTRA', `${path} belongs to a release, and this bundle is none`, path),
  )
}

/** Sign-offs of a bundle that nobody sealed: whole and about this manifest, but not yet counted for anything. */
export async function checkLooseSignOffs(
  bundle: string,
  read: ReadManifest,
  scratchFolder: string,
): Promise<ReleaseFindings> {
  const { files, malformed, names } = await readSignOffFiles(bundle)
  const findings: Finding[] = [...malformed, ...(await partsOfRelease(bundle))]
  for (const { name, message, signature, signOff, manifestSha256 } of files) {
    const path = `attestations/${name}`
    const check = { message, signature, namespace: NAMESPACES.signOff, key: signature.key }
    if (!(await isSshSigned(check, scratchFolder)))
      findings.push(finding('SIGNATURE_INVALID', `the signature in ${path} is not over this content`, path))
    else if (manifestSha256 !== read.sha256)
      findings.push(
        finding(
          'SIGNOFF_STALE',
          `${signOff.person} signed for another manifest than this one (${path})`,
          path,
        ),
      )
  }
  const sentence =
    files.length === 0
      ? null
      : `${files.length} sign-off(s) of people, not counted before a release is sealed`
  return { findings, known: names, sentence }
}
