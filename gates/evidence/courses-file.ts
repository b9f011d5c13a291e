import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RunVerdict } from '../engine/types.ts'
import type { Course } from '../report/courses.ts'
import { LAYOUT } from './bundle-layout.ts'

export function coursesPath(gate: string): string {
  return `${LAYOUT.gates}/${gate}/courses.json`
}

/** The courses a bundle holds, of the shape that was written; the manifest's digest covers each file. */
export async function readCourses(bundle: string, verdict: RunVerdict): Promise<readonly Course[]> {
  const files = await Promise.all(
    verdict.gates.map(({ gate }) => readFile(join(bundle, coursesPath(gate)), 'utf8').catch(() => '[]')),
  )
  return files.flatMap((text) => JSON.parse(text) as readonly Course[])
}
