import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { TestContext } from 'node:test'

/** What a test needs to know of its process. */
export interface RequirementHost {
  readonly env: Readonly<Record<string, string | undefined>>
}

/**
 * Path of a program that a test cannot do without, or null after reporting the test as not run (skipped and
 * counted by the runner). Under CI a missing program throws: there it is a failure, never a skip.
 */
export function requireProgram(t: TestContext, name: string, host: RequirementHost): string | null {
  const path = programOnPath(name, host)
  if (path !== null) return path
  if (host.env['CI'] !== undefined) throw new Error(`${name} is missing; add its package to .ci/packages.txt`)
  t.skip(`not run: ${name} is not installed`)
  return null
}

function programOnPath(name: string, host: RequirementHost): string | null {
  for (const folder of (host.env['PATH'] ?? '').split(delimiter)) {
    if (folder !== '' && isExecutable(join(folder, name))) return join(folder, name)
  }
  return null
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
