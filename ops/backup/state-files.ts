import { join } from 'node:path'
import { CATALOG, SERVICE_NAMES } from '#catalog'
import type { FileSystem } from './file-system.ts'
import type { BackupFile } from './manifest.ts'

export interface StateFile {
  readonly path: string
  readonly role: BackupFile['role']
}

/** Parts that a restore can be limited to. */
export const PARTS = {
  databases: ['database', 'log'],
  sessions: ['session'],
  configuration: ['configuration'],
  policies: ['policy'],
} as const satisfies Record<string, readonly BackupFile['role'][]>

export type Part = keyof typeof PARTS

/** Beside a database only while somebody has it open; its content is in the copy. */
const BESIDE_DATABASE = /\.db-(wal|shm|journal)$/

/**
 * What a backup holds: every database and append-only log below data/, the sessions, the configuration and the
 * policies. Keys and other secrets are left out: a backup may be kept where they must not be.
 */
export function stateFiles(home: string, files: FileSystem): readonly StateFile[] {
  const data = below(home, 'data', files).flatMap((path): StateFile[] => {
    const role = roleOfData(path)
    return role === null ? [] : [{ path, role }]
  })
  const config = below(home, 'config', files).flatMap((path): StateFile[] => {
    if (path.startsWith('config/policies/') && path.endsWith('.json')) return [{ path, role: 'policy' }]
    return path === 'config/sonia.json' ? [{ path, role: 'configuration' }] : []
  })
  return [...data, ...config].sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** Folders below data/ that a service writes; Prometheus, Alertmanager and traces keep history, not state. */
const STATE_FOLDERS = SERVICE_NAMES.map((name) => CATALOG[name].stateFolder).filter(
  (folder) => folder !== null,
)

function roleOfData(path: string): BackupFile['role'] | null {
  if (!STATE_FOLDERS.some((folder) => path.startsWith(`data/${folder}/`))) return null
  if (BESIDE_DATABASE.test(path) || path.endsWith('.tmp')) return null
  if (path.endsWith('.db')) return 'database'
  if (path.endsWith('.log')) return 'log'
  return path.startsWith('data/sessions/') && path.endsWith('.json') ? 'session' : null
}

/** Links, by which data lie elsewhere: `stateFiles` passes them by, and a restore could not put anything behind them. */
export function linkedData(home: string, files: FileSystem): readonly string[] {
  const folders = ['data', ...STATE_FOLDERS.map((folder) => `data/${folder}`)]
  return folders.flatMap((folder) => {
    const kind = files.kindOf(join(home, folder))
    if (kind === 'other') return [folder]
    if (kind !== 'folder' || folder === 'data') return []
    return files
      .list(join(home, folder))
      .map((name) => `${folder}/${name}`)
      .filter((path) => roleOfData(path) !== null && files.kindOf(join(home, path)) === 'other')
  })
}

/** Paths of the regular files below a folder of the state, relative to the state folder. */
function below(home: string, folder: string, files: FileSystem): readonly string[] {
  if (files.kindOf(join(home, folder)) !== 'folder') return []
  return files.list(join(home, folder)).flatMap((name) => {
    const path = `${folder}/${name}`
    const kind = files.kindOf(join(home, path))
    if (kind === 'folder') return below(home, path, files)
    return kind === 'file' ? [path] : []
  })
}
