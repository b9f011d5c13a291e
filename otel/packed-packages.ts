import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** Import specifier -> file name within the folder; written by ops/pack-packages-main.ts. */
export type PackedIndex = Readonly<Record<string, string>>

export const PACKED_INDEX = 'index.json'

/**
 * Lets our own code import npm packages from a folder in which each is one file. Loading them as installed means
 * 1,800 files per service, and finding those is most of a start. What is not in the index is imported as installed,
 * and without a folder everything is.
 */
export function usePackedPackages(folder: string | undefined): void {
  const files = folder === undefined ? undefined : readIndex(folder)
  if (files === undefined) return
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const url = files.get(specifier)
      if (url === undefined || isPackage(context.parentURL)) return nextResolve(specifier, context)
      return { url, format: 'module', shortCircuit: true }
    },
  })
}

/** A package that was left as installed keeps the packages that it was installed with. */
function isPackage(parentUrl: string | undefined): boolean {
  return parentUrl?.includes('/node_modules/') ?? false
}

function readIndex(folder: string): ReadonlyMap<string, string> | undefined {
  let text: string
  try {
    text = readFileSync(join(folder, PACKED_INDEX), 'utf8')
  } catch {
    return undefined
  }
  const entries = Object.entries(JSON.parse(text) as PackedIndex)
  return new Map(entries.map(([specifier, file]) => [specifier, pathToFileURL(join(folder, file)).href]))
}
