import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { CALLER_NAMES } from '#catalog'
import { locateTool } from '#tools/locate.ts'
import { loadMachineKey } from '../evidence/machine-key.ts'
import { describeReleased } from '../evidence/released.ts'
import { makeSbom } from '../evidence/sbom.ts'
import { type BundlePath, type GateFile, writeBundle } from '../evidence/write-bundle.ts'
import { askCourses } from '../report/courses.ts'
import type { GateRun, GateRunOptions } from './run-gates.ts'

export interface EvidencePlaces {
  readonly artifactsFolder: string
  /** The operator's state folder: the machine key lives in its `config/`. */
  readonly operatorHome: string
}

/** Takes the snapshot, gathers logs, writes and signs the bundle. */
export async function writeEvidence(
  run: GateRun,
  options: GateRunOptions,
  places: EvidencePlaces,
): Promise<BundlePath> {
  const { host, criteriaFolder, home } = options
  const state = await run.tree.described()
  const stackConfig = join(home, 'stack', 'config')
  // A machine without npm must not cost a finished run its evidence; the manifest says that there is no list.
  const sbom = await makeSbom(host.repository).catch(() => null)
  return writeBundle({
    runId: options.runId,
    artifactsFolder: places.artifactsFolder,
    profile: options.profile.name,
    purpose: 'run',
    createdAtMs: host.clock.nowMs(),
    ...run.judgement,
    courses: await askCourses(run.watch.prometheusUrl, run.judgement.verdict),
    gateFiles: [...run.files, ...(await logFiles(home))],
    prometheus: {
      snapshotFolder: await takeSnapshot(run),
      rules: join(run.watch.configFolder, 'rules'),
      config: join(run.watch.configFolder, 'prometheus.yml'),
    },
    criteriaFolder,
    windows: run.windows,
    keys: await loadMachineKey(join(places.operatorHome, 'config')),
    released: await describeReleased({
      repository: host.repository,
      state,
      configurationFile: join(stackConfig, 'sonia.json'),
      policiesFolder: join(stackConfig, 'policies'),
      criteriaFolder,
      sbom,
      imageDigest: null,
    }),
    versions: await versionsOf(options),
    sbom,
    producerEmails: state.userEmail === null ? [] : [state.userEmail],
    secrets: await secretsOf(home),
  })
}

/** The head block is part of a snapshot; exemplars are not. */
async function takeSnapshot({ watch }: GateRun): Promise<string> {
  const response = await fetch(`${watch.prometheusUrl}/api/v1/admin/tsdb/snapshot`, { method: 'POST' })
  const body = (await response.json()) as { data?: { name?: string } }
  const name = body.data?.name
  if (name === undefined) throw new Error(`Prometheus made no snapshot: HTTP ${response.status}`)
  return join(watch.prometheusFolder, 'snapshots', name)
}

async function versionsOf({ host }: GateRunOptions): Promise<Readonly<Record<string, string>>> {
  const names = ['k6', 'prometheus', 'alertmanager', 'otelcol'] as const
  const tools = await Promise.all(names.map((name) => locateTool(name, host)))
  const located = Object.fromEntries(tools.map(({ name, version }) => [name, version]))
  return { node: process.versions.node, sqlite: sqliteVersion(), ...located }
}

/** Of the SQLite that the services use: better-sqlite3 brings its own. */
function sqliteVersion(): string {
  const database = new Database(':memory:')
  try {
    return String(database.prepare('SELECT sqlite_version()').pluck().get())
  } finally {
    database.close()
  }
}

/** Logs of every stack of the run, under the name of its state folder. */
async function logFiles(home: string): Promise<readonly GateFile[]> {
  const folders = await readdir(home, { withFileTypes: true })
  const files = folders
    .filter((entry) => entry.isDirectory())
    .map(async ({ name }) => {
      const logs = join(home, name, 'logs')
      const entries = await readdir(logs).catch(() => [])
      const gate = name.startsWith('tests-') ? 'determinism' : name === 'watch' ? 'soak' : 'go-no-go'
      return entries.map((file) => ({
        path: `gates/${gate}/logs/${name}/${file}`,
        content: { file: join(logs, file) },
      }))
    })
  return (await Promise.all(files)).flat()
}

/** Secrets this run made: a bundle that holds one of them is not written. */
async function secretsOf(home: string): Promise<readonly string[]> {
  const folders = await readdir(home)
  const paths = folders.flatMap((name) => [
    join(home, name, 'config', 'operator.key'),
    ...CALLER_NAMES.map((caller) => join(home, name, 'run', 'secrets', caller)),
  ])
  const texts = await Promise.all(paths.map((path) => readFile(path, 'utf8').catch(() => '')))
  return texts.map((text) => text.trim()).filter((text) => text !== '')
}
