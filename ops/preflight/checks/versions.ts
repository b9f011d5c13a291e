import Database from 'better-sqlite3'
import { COMPONENTS } from '#tools/components.ts'
import { findTool } from '#tools/locate.ts'
import { compareVersions } from '#tools/version.ts'
import versions from '../../../tools/versions.json' with { type: 'json' }
import type { PreflightOptions } from '../options.ts'
import { type Check, type Finding, problem } from '../report.ts'

/** Earlier ones can corrupt a WAL database that two connections write. */
const SQLITE_MINIMUM = '3.51.3'

/** Node, SQLite and every native binary are there and new enough. */
export function versionsCheck({ repo, host }: PreflightOptions): Check {
  return {
    id: 'versions',
    title: 'Node, SQLite and the native components are new enough',
    async run() {
      const found = [
        { name: 'node', version: process.versions.node, minimum: versions.node.minimum },
        { name: 'sqlite', version: sqliteVersion(), minimum: SQLITE_MINIMUM },
        ...(await nativeVersions(repo, host)),
      ]
      return {
        looked: found.map(({ name, version }) => `${name} ${version ?? 'absent'}`).join(', '),
        findings: found.flatMap(complaint),
      }
    },
  }
}

interface FoundVersion {
  readonly name: string
  readonly version: string | null
  readonly minimum: string
}

function complaint({ name, version, minimum }: FoundVersion): readonly Finding[] {
  if (version === null) return [problem(`${name} is not installed; ./sonia tools build brings it`)]
  return compareVersions(version, minimum) < 0
    ? [problem(`${name} is ${version}, at least ${minimum} is needed`)]
    : []
}

function sqliteVersion(): string {
  const database = new Database(':memory:')
  try {
    return (
      database.prepare<[], { version: string }>('SELECT sqlite_version() AS version').get()?.version ??
      'unknown'
    )
  } finally {
    database.close()
  }
}

function nativeVersions(
  repository: string,
  host: PreflightOptions['host'],
): Promise<readonly FoundVersion[]> {
  const binaries = COMPONENTS.flatMap(({ binaries, minimum }) =>
    binaries.map(({ name }) => ({ name, minimum })),
  )
  return Promise.all(
    binaries.map(async ({ name, minimum }) => {
      const tool = await findTool(name, { env: host.env, repository })
      return { name, minimum, version: tool?.version ?? null }
    }),
  )
}
