import fs from 'node:fs'
import fsp, { type FileHandle } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'

/** A disk on which one operation below a folder fails; all others work. */
export interface FailingDisk {
  /** Operations so far, the failing one included. */
  calls(): number
  mend(): void
}

export interface Fault {
  readonly folder: string
  /** Which operation fails, counted from 1. */
  readonly at: number
  /** `ENOSPC` leaves half of what was to be written, as a disk does that becomes full. */
  readonly code: 'EIO' | 'ENOSPC'
}

type Operation = (...args: unknown[]) => unknown
type Operations = Record<string, Operation>

const BY_PATH_SYNC = ['openSync', 'renameSync', 'mkdirSync', 'writeFileSync', 'copyFileSync', 'readdirSync']
const BY_DESCRIPTOR_SYNC = ['writeSync', 'fsyncSync']
const BY_PATH = [
  'open',
  'mkdir',
  'writeFile',
  'copyFile',
  'rename',
  'chmod',
  'stat',
  'readdir',
  'link',
  'unlink',
]
const BY_HANDLE = ['appendFile', 'writeFile', 'write', 'datasync', 'sync', 'chmod', 'stat', 'truncate']
const WRITING = new Set(['writeSync', 'writeFileSync', 'writeFile', 'appendFile', 'write'])

/**
 * Makes the n-th file operation of this process below a folder fail, in node:fs and node:fs/promises alike. Code under
 * test needs no hook for it: named imports of built-in modules follow the change.
 */
export async function failingDisk(fault: Fault): Promise<FailingDisk> {
  const state = { calls: 0, descriptors: new Set<unknown>(), handles: new WeakSet<object>() }
  const undo: (() => void)[] = []
  const replace = (
    owner: object,
    name: string,
    isOurs: (self: unknown, args: readonly unknown[]) => boolean,
  ) => {
    const operations = owner as Operations
    const real = operations[name]
    if (real === undefined) throw new Error(`there is no ${name}`)
    operations[name] = function failing(this: unknown, ...args: unknown[]) {
      const isTurn = isOurs(this, args) && ++state.calls === fault.at
      if (!isTurn) return noted(Reflect.apply(real, this, args), state, isOurs(this, args))
      const error = Object.assign(new Error(`${fault.code}: planted in ${name}`), { code: fault.code })
      if (fault.code === 'ENOSPC' && WRITING.has(name)) return halfDone({ real, self: this, args, error })
      if (name.endsWith('Sync')) throw error
      return Promise.reject(error)
    }
    undo.push(() => {
      operations[name] = real
    })
  }
  const isBelow = (path: unknown) => typeof path === 'string' && path.startsWith(fault.folder)
  const anyPathBelow = (_: unknown, args: readonly unknown[]) => args.slice(0, 2).some(isBelow)
  for (const name of BY_PATH_SYNC) replace(fs, name, anyPathBelow)
  for (const name of BY_DESCRIPTOR_SYNC) replace(fs, name, (_, [file]) => state.descriptors.has(file))
  for (const name of BY_PATH) replace(fsp, name, anyPathBelow)
  const handles = await handlePrototype()
  for (const name of BY_HANDLE) replace(handles, name, (self) => state.handles.has(self as object))
  syncBuiltinESMExports()
  return {
    calls: () => state.calls,
    mend: () => {
      for (const one of undo) one()
      syncBuiltinESMExports()
    },
  }
}

interface Opened {
  readonly descriptors: Set<unknown>
  readonly handles: WeakSet<object>
}

/** Remembers what was opened below the folder, so that operations on it count too. */
function noted(result: unknown, { descriptors, handles }: Opened, isOurs: boolean): unknown {
  if (!isOurs) return result
  if (typeof result === 'number') descriptors.add(result)
  if (!(result instanceof Promise)) return result
  return result.then((value: unknown) => {
    if (typeof value === 'object' && value !== null && 'datasync' in value) handles.add(value)
    return value
  })
}

interface Half {
  readonly real: Operation
  readonly self: unknown
  readonly args: readonly unknown[]
  readonly error: Error
}

function halfDone({ real, self, args, error }: Half): unknown {
  const at = args.findIndex((arg) => arg instanceof Uint8Array)
  // Where a length is given after the bytes and their offset, it is what has to be halved.
  const length = at < 0 ? undefined : args[at + 2]
  const halved = args.map((arg, index) => {
    if (typeof length === 'number') return index === at + 2 ? length >> 1 : arg
    return arg instanceof Uint8Array ? arg.subarray(0, arg.length >> 1) : arg
  })
  const result = Reflect.apply(real, self, halved)
  if (!(result instanceof Promise)) throw error
  return result.then(() => {
    throw error
  })
}

async function handlePrototype(): Promise<object> {
  const handle: FileHandle = await fsp.open('/dev/null')
  try {
    return Object.getPrototypeOf(handle) as object
  } finally {
    await handle.close()
  }
}
