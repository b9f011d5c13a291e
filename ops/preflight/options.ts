import type { OpsHost } from '../host.ts'
import type { StateHome } from '../state-home.ts'

export interface PreflightOptions {
  readonly repo: string
  readonly folders: StateHome
  readonly host: OpsHost
  /** Ports that must be free; empty where the stack runs already. */
  readonly ports: readonly number[]
  /** Bytes that what follows will need. */
  readonly neededBytes: number
  /** Evidence bundles to look through for secrets. */
  readonly bundles: readonly string[]
  /** Also every blob of the history: thorough, and slow in a long one. */
  readonly history: boolean
}

/** Room for the logs, traces and figures of an idle stack until they rotate. */
export const NEEDED_BYTES_MIN = 256 * 1_024 * 1_024

/** What is looked at before every start: everything but the history. */
export function startOptions(
  host: OpsHost & { readonly repository: string },
  folders: StateHome,
): PreflightOptions {
  const { repository: repo } = host
  return { repo, folders, host, ports: [], neededBytes: NEEDED_BYTES_MIN, bundles: [], history: false }
}
