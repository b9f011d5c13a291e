import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LAYOUT } from '../evidence/bundle-layout.ts'
import { finding, type Finding } from '../evidence/findings.ts'
import { readSignOff, SIGN_OFF_PREFIX, type SignOffFile } from './sign-off.ts'

export interface SignOffFiles {
  readonly files: readonly SignOffFile[]
  readonly malformed: readonly Finding[]
  readonly names: ReadonlySet<string>
}

/** Every file of a bundle that calls itself a sign-off. */
export async function readSignOffFiles(bundle: string): Promise<SignOffFiles> {
  const all = await readdir(join(bundle, LAYOUT.attestations))
  const names = all.filter((name) => name.startsWith(SIGN_OFF_PREFIX)).toSorted()
  const files: SignOffFile[] = []
  const malformed: Finding[] = []
  for (const name of names) {
    const path = `${LAYOUT.attestations}/${name}`
    try {
      files.push(readSignOff(name, await readFile(join(bundle, path), 'utf8')))
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      malformed.push(finding('SIGNOFF_MALFORMED', `${path} is no sign-off: ${message}`, path))
    }
  }
  return { files, malformed, names: new Set(names) }
}

/** Digests of the sign-offs that are there, for the next signer to vouch that they were. */
export async function seenSignOffs(bundle: string): Promise<string[]> {
  const { files } = await readSignOffFiles(bundle)
  return files.map((file) => file.digest).toSorted()
}
