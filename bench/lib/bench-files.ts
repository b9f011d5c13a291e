import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { drawResult } from './bench-drawing.ts'
import { renderResult } from './bench-result.ts'

export interface KeptResult {
  /** What was run, where and when: it stands before the figures. */
  readonly about: Readonly<Record<string, unknown>>
  readonly json: string
}

/** The figures as JSON, as a table and as a drawing, side by side under one name. */
export function keepResult(folder: string, name: string, { about, json }: KeptResult): void {
  mkdirSync(folder, { recursive: true })
  const result = { about, ...(JSON.parse(json) as object) }
  const lines = Object.entries(about).map(([key, value]) => `${key}: ${String(value)}`)
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(result, null, 2)}\n`)
  writeFileSync(join(folder, `${name}.txt`), `${lines.join('\n')}\n\n${renderResult(name, json)}`)
  writeFileSync(join(folder, `${name}.svg`), drawResult(name, json))
}
