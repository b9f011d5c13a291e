import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RunVerdict } from '../engine/types.ts'
import type { SensitivityCard } from '../sensitivity/sensitivity-cards.ts'
import { LAYOUT } from './bundle-layout.ts'

export function sensitivityPath(gate: string): string {
  return `${LAYOUT.gates}/${gate}/sensitivity.json`
}

/** The cards of one gate; ids of criteria begin with the gate's. */
export function cardsOfGate(cards: readonly SensitivityCard[], gate: string): readonly SensitivityCard[] {
  return cards.filter(({ criterion }) => criterion.startsWith(`${gate}.`))
}

/** The cards a bundle holds, of the shape that was written; the manifest's digest covers each file. */
export async function readCards(bundle: string, verdict: RunVerdict): Promise<readonly SensitivityCard[]> {
  const files = await Promise.all(
    verdict.gates.map(({ gate }) => readFile(join(bundle, sensitivityPath(gate)), 'utf8').catch(() => '[]')),
  )
  return files.flatMap((text) => JSON.parse(text) as readonly SensitivityCard[])
}
