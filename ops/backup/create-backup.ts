import { dirname, join } from 'node:path'
import { BackupError } from './backup-error.ts'
import { copyDatabase } from './database.ts'
import { digestOf } from './digest.ts'
import { explainIo, type FileSystem } from './file-system.ts'
import { backupId, FILES_FOLDER, followLinks, VERIFIED_NAME } from './folders.ts'
import {
  type BackupFile,
  type BackupManifest,
  FORMAT,
  MANIFEST_NAME,
  SIGNATURE_NAME,
  writeManifest,
} from './manifest.ts'
import { isHeld } from './holders.ts'
import { ownTrust, signManifest } from './signing.ts'
import { linkedData, type StateFile, stateFiles } from './state-files.ts'
import { checkRestored } from './check-backup.ts'
import { applyRetention, type RetentionRule } from './retention.ts'
import { refusePendingSwap } from './swap-journal.ts'
import { removeAbandoned, unfinishedName } from './unfinished.ts'

export interface BackupRequest {
  readonly home: string
  /** Folder of the backups; a second one is copied to when it is named. */
  readonly to: string
  readonly secondFolder?: string
  /** What may go once this one is made, or was tried; nothing does without it. */
  readonly retention?: RetentionRule
  readonly reason: BackupManifest['reason']
  readonly version: string
  readonly files: FileSystem
  readonly nowMs: () => number
  readonly random: (bytes: number) => Buffer
}

export interface MadeBackup {
  readonly id: string
  readonly path: string
  readonly bytes: number
  readonly durationMs: number
  /** Null where no second folder is configured. */
  readonly secondPath: string | null
  /** Ids of those that retention removed. */
  readonly removed: readonly string[]
}

const FILE_MODE = 0o600
/** Copies of the databases, their verification, and some room. */
const ROOM_FACTOR = 2

/**
 * Makes a backup, restores it into a scratch folder, checks it there, and only then lets it count.
 * Throws `BackupError`; of a backup that did not come to its end nothing stays, one that was not found whole stays
 * unverified, and older ones are untouched.
 */
export async function createBackup(asked: BackupRequest): Promise<MadeBackup> {
  const { files, nowMs, random, retention } = asked
  const startedAtMs = nowMs()
  const id = backupId(startedAtMs, random(4))
  // Where nobody works with the data, the other processors are free.
  const isServed = isHeld(join(asked.home, 'data'))
  try {
    const request = { ...asked, to: followLinks(asked.to, files) }
    const clean = () =>
      retention === undefined ? [] : applyRetention(retention, { folder: request.to, files, made: id })
    const { final, manifest } = await copyAndSeal({ request, id, isServed })
    await verifyInScratch(final, request, isServed).catch((error: unknown) => {
      // Without this, one that fails each time would fill the disk with what is no use to anybody.
      quietly(clean)
      throw error
    })
    const secondPath = await copyToSecondFolder(final, id, request)
    const bytes = manifest.files.reduce((sum, { size }) => sum + size, 0)
    const removed = clean()
    return { id, path: final, bytes, durationMs: nowMs() - startedAtMs, secondPath, removed }
  } catch (error) {
    throw explainIo(error, join(asked.to, id))
  }
}

async function copyAndSeal(work: CopyWork): Promise<{ final: string; manifest: BackupManifest }> {
  const { request, id } = work
  const { files, to, home } = request
  refusePendingSwap(home, files)
  const [linked] = linkedData(home, files)
  if (linked !== undefined) {
    throw new BackupError('STATE_LINKED', join(home, linked), {
      hint: 'put the data themselves there, or give SONIA_HOME the folder on the other disk',
    })
  }
  const state = stateFiles(home, files)
  if (state.length === 0) {
    throw new BackupError('NOTHING_TO_BACK_UP', home, { hint: 'start the stack once: ./sonia up' })
  }
  const final = join(to, id)
  const manifest = await inPartial(final, request, async (partial) => {
    files.makeFolder(join(partial, FILES_FOLDER))
    refuseWithoutRoom(state, request)
    const copied = await copyState(state, partial, work)
    sealManifest(copied, partial, request)
    return copied
  })
  return { final, manifest }
}

/**
 * Makes a folder under a name that says it is unfinished, and gives it its own name when it is whole. What cannot be
 * finished is removed at once, and what ended processes left there is removed before, because it may hold the room.
 */
async function inPartial<T>(
  final: string,
  { files, nowMs }: BackupRequest,
  work: (partial: string) => T | Promise<T>,
): Promise<T> {
  removeAbandoned(dirname(final), files, nowMs())
  const partial = unfinishedName(final, nowMs())
  try {
    const done = await work(partial)
    files.rename(partial, final)
    files.sync(dirname(final))
    return done
  } catch (error) {
    quietly(() => files.remove(partial))
    throw error
  }
}

/** For cleaning after a failure: the failure is the news, and what is left the next backup removes. */
function quietly(clean: () => unknown): void {
  try {
    clean()
  } catch {}
}

function refuseWithoutRoom(state: readonly StateFile[], { home, to, files }: BackupRequest): void {
  const needed = ROOM_FACTOR * state.reduce((sum, { path }) => sum + files.sizeOf(join(home, path)), 0)
  const free = files.freeBytes(to)
  if (free >= needed) return
  throw new BackupError('DISK_FULL', `${to}: ${free} bytes free, ${needed} needed`, {
    hint: 'make room, or set backup.folder in config/sonia.json to another disk; the last good backup is untouched',
  })
}

interface CopyWork {
  readonly request: BackupRequest
  readonly id: string
  readonly isServed: boolean
}

async function copyState(
  state: readonly StateFile[],
  partial: string,
  work: CopyWork,
): Promise<BackupManifest> {
  const { request, id, isServed } = work
  const { files } = request
  const copied: BackupFile[] = []
  let sentinel: BackupManifest['sentinel'] = null
  for (const file of state) {
    const target = join(partial, FILES_FOLDER, file.path)
    files.makeFolder(dirname(target))
    const from = join(request.home, file.path)
    const database = file.role === 'database' ? await copyDatabase({ from, to: target, isServed }) : undefined
    if (database === undefined) copyStable(file, target, request)
    else if (file.path === 'data/memory/sonia.db') ({ sentinel } = database)
    files.sync(target)
    copied.push({
      ...file,
      size: files.sizeOf(target),
      sha256: digestOf(target, files),
      mode: FILE_MODE,
      ...(database === undefined ? {} : { database: database.facts }),
    })
  }
  const created = new Date(request.nowMs()).toISOString()
  const { version, reason } = request
  return { format: FORMAT, id, created_at: created, version, reason, sentinel, files: copied }
}

const COPY_TRIES = 3

/** A file that changes while it is copied is copied again; one that never rests is refused, not guessed at. */
function copyStable(file: StateFile, target: string, { home, files }: BackupRequest): void {
  const source = join(home, file.path)
  for (let tries = 0; tries < COPY_TRIES; tries += 1) {
    if (file.role === 'session' && files.kindOf(source) === 'absent') {
      // The session ended meanwhile; an empty object is what an ended session leaves.
      files.write(target, '{}', FILE_MODE)
      return
    }
    const before = digestOf(source, files)
    files.copy(source, target)
    const isLog = file.role === 'log'
    if (isLog || (digestOf(source, files) === before && digestOf(target, files) === before)) return
  }
  throw new BackupError('CONFIG_CHANGED', source, { hint: 'stop editing it and run ./sonia backup again' })
}

function sealManifest(manifest: BackupManifest, partial: string, { home, files }: BackupRequest): void {
  const bytes = Buffer.from(writeManifest(manifest))
  files.write(join(partial, MANIFEST_NAME), bytes, FILE_MODE)
  files.write(join(partial, SIGNATURE_NAME), signManifest(bytes, join(home, 'config'), files), FILE_MODE)
  files.sync(partial)
}

/** What was never restored is only a hope. */
async function verifyInScratch(backup: string, request: BackupRequest, isServed: boolean): Promise<void> {
  const { home, files, nowMs } = request
  const manifest = await checkRestored(backup, {
    files,
    trust: ownTrust(join(home, 'config'), files),
    isServed,
  })
  const verified = {
    id: manifest.id,
    verified_at: new Date(nowMs()).toISOString(),
    files: manifest.files.length,
  }
  try {
    files.write(join(backup, VERIFIED_NAME), `${JSON.stringify(verified)}\n`, FILE_MODE)
    files.sync(backup)
  } catch (error) {
    // Half a mark would count like a whole one, and send an older backup away.
    quietly(() => files.remove(join(backup, VERIFIED_NAME)))
    throw error
  }
}

async function copyToSecondFolder(
  backup: string,
  id: string,
  request: BackupRequest,
): Promise<string | null> {
  const { secondFolder, files } = request
  if (secondFolder === undefined) return null
  const folder = followLinks(secondFolder, files)
  files.makeFolder(folder)
  const final = join(folder, id)
  await inPartial(final, request, (partial) => copyTree(backup, partial, files))
  return final
}

function copyTree(from: string, to: string, files: FileSystem): void {
  files.makeFolder(to)
  for (const name of files.list(from)) {
    const source = join(from, name)
    const target = join(to, name)
    if (files.kindOf(source) === 'folder') copyTree(source, target, files)
    else {
      files.copy(source, target)
      files.sync(target)
    }
  }
  files.sync(to)
}
