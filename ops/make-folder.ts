import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { systemErrorCode } from './ops-error.ts'

const FOLDER_MODE = 0o700

/**
 * Makes a folder and those above it that are missing, each 0700. Step by step: Node's own recursion never ends where a
 * file system makes no folders, such as /proc.
 */
export function makeFolder(folder: string): void {
  if (!existsSync(dirname(folder))) makeFolder(dirname(folder))
  try {
    mkdirSync(folder, { mode: FOLDER_MODE })
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST' || !statSync(folder).isDirectory()) throw error
  }
}
