import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { CaseOutcome } from '../security/corpus-case.ts'

export const ATTACKS_PATH = 'security-tests.json'

/** The cases that gate 3 sent, as its file in the bundle lists them; none where it was not run. */
export function attacksIn(text: string | null): readonly CaseOutcome[] {
  if (text === null) return []
  return (JSON.parse(text) as { readonly cases?: readonly CaseOutcome[] }).cases ?? []
}

export async function readAttacks(bundle: string): Promise<readonly CaseOutcome[]> {
  return attacksIn(await readFile(join(bundle, ATTACKS_PATH), 'utf8').catch(() => null))
}
