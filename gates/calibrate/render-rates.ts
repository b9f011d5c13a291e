import type { FamilyRates, Share } from './calibrate-families.ts'
import type { GateRates } from './whole-gate.ts'

const WIDTH = { name: 26, gate: 44, count: 6, cell: 22 }

/** Head of the table whose rows are `renderFamily`. */
export function renderHead(): string {
  const columns = ['FAIL %', 'PASS %', 'INCONCLUSIVE %'].map((title) => title.padEnd(WIDTH.cell)).join('')
  const head = `${'family'.padEnd(WIDTH.name)}${'n'.padStart(WIDTH.count)}  ${columns.trimEnd()}`
  return `per series, 95 % Clopper-Pearson intervals\n${head}\n`
}

export function renderFamily({ family, histories, refuted, ...shares }: FamilyRates): string {
  const name = family.padEnd(WIDTH.name) + String(histories).padStart(WIDTH.count)
  const note = refuted.length === 0 ? '' : ` REFUTES ${refuted.join(', ')}`
  return `${`${name}  ${cells(shares)}${note}`.trimEnd()}\n`
}

export function renderGates(gates: readonly GateRates[]): string {
  const rows = gates.map(({ made, gates: count, ...shares }) =>
    `${made.padEnd(WIDTH.gate)}${String(count).padStart(WIDTH.count)}  ${cells(shares)}`.trimEnd(),
  )
  const head = 'whole gate: PASS needs every series, a FAIL must survive Holm over all of them'
  return `\n${[head, ...rows].join('\n')}\n`
}

function cells({ fail, pass, inconclusive }: Pick<FamilyRates, 'fail' | 'pass' | 'inconclusive'>): string {
  return [fail, pass, inconclusive].map((share) => cell(share).padEnd(WIDTH.cell)).join('')
}

function cell({ share, interval: [low, high] }: Share): string {
  return `${percent(share)} [${percent(low)}, ${percent(high)}]`
}

function percent(share: number): string {
  return (share * 100).toFixed(1)
}
