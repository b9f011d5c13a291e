import { type Dirent, lstatSync, readdirSync, type Stats } from 'node:fs'
import { isAbsolute, join, relative, resolve } from 'node:path'
import { readSoniaJson, secretReferences } from '../configuration.ts'
import type { PreflightOptions } from '../options.ts'
import { type Check, type Finding, problem } from '../report.ts'

const OTHERS_ANY = 0o077
const OTHERS_WRITE = 0o022

/** Files of the state folder that hold secrets; everything else only must not be written by others. */
const SECRET_PLACES = [
  /^config\/operator\.key$/,
  /^config\/keys\//,
  /^run\/secrets\//,
  /^data\/eva-os\/keys\//,
  /\.(?:key|pem|p12|jwk)$/,
]

/** Folders below which every entry is looked at. */
const GUARDED = ['config', 'data', 'run'] as const

/** Secrets are readable by their owner only; nothing here belongs to or can be changed by another user, or is a link. */
export function fileModesCheck(options: PreflightOptions): Check {
  return {
    id: 'file-modes',
    title: 'secrets are readable by their owner alone; no foreign owners, no links',
    run() {
      const { home } = options.folders
      const entries = GUARDED.flatMap((name) => [join(home, name), ...below(join(home, name))])
      const judged = [home, ...entries, ...referencedFiles(options)].map((path) => judgePath(path, home))
      const there = judged.filter((findings) => findings !== undefined)
      return { looked: `${there.length} files and folders`, findings: there.flat() }
    },
  }
}

function below(folder: string): readonly string[] {
  let entries: readonly Dirent[]
  try {
    entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  } catch {
    return []
  }
  return entries.map((entry) => join(entry.parentPath, entry.name))
}

function referencedFiles(options: PreflightOptions): readonly string[] {
  return secretReferences(readSoniaJson(options))
    .filter(({ kind }) => kind === 'file')
    .map(({ where }) => resolve(options.folders.home, where))
}

/** undefined where there is nothing. */
function judgePath(path: string, home: string): readonly Finding[] | undefined {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (stats === undefined) return undefined
  const place = relative(home, path) || '.'
  const isOutside = place.startsWith('..') || isAbsolute(place)
  const isSecret = isOutside || SECRET_PLACES.some((pattern) => pattern.test(place))
  return complaints(stats, isSecret).map((complaint) => problem(complaint, place))
}

function complaints(stats: Stats, isSecret: boolean): readonly string[] {
  if (stats.isSymbolicLink()) return ['is a symbolic link; put the file itself there']
  const uid = process.getuid?.() ?? stats.uid
  const mode = (stats.mode & 0o777).toString(8).padStart(4, '0')
  return [
    ...(stats.uid === uid || stats.uid === 0 ? [] : [`belongs to user ${stats.uid}`]),
    ...(isSecret && !stats.isDirectory() && (stats.mode & OTHERS_ANY) !== 0
      ? [`holds a secret and has mode ${mode}; chmod 600 it`]
      : []),
    ...((stats.mode & OTHERS_WRITE) !== 0 && !stats.isSocket()
      ? [`can be changed by group or others (mode ${mode}); chmod go-w it`]
      : []),
  ]
}
