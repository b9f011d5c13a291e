import { hash } from 'node:crypto'
import { type BigIntStats, lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Errors } from 'typebox/value'
import { findDuplicateKey } from '#chassis/json-keys.ts'
import { checkRules } from './check-rules.ts'
import type { Policy } from './judge.ts'
import { PolicyFile } from './policy-file.ts'

/** Policy of a folder, or every reason why there is none. */
export type ReadPolicy =
  | { readonly ok: true; readonly policy: Policy; readonly files: readonly string[] }
  | { readonly ok: false; readonly problems: readonly string[] }

/** What is in force where nothing was read: everything is denied. */
export const DENY_ALL: Policy = { version: 'none', rules: [] }

const FILES_MAX = 64
const FILE_BYTES_MAX = 256 * 1024
const WRITABLE_BY_OTHERS = 0o022n

/** Reads, validates and joins all policy files of a folder. `owners` are the users a policy may belong to. */
export function readPolicyFolder(folder: string, owners: readonly number[]): ReadPolicy {
  const names = policyFileNames(folder)
  if (names === undefined) return { ok: false, problems: ['the folder of policies cannot be read'] }
  if (names.length > FILES_MAX) return { ok: false, problems: [`more than ${FILES_MAX} policy files`] }
  const read = names.map((name) => readPolicyFile(folder, name, owners))
  const problems = read.flatMap((file) => file.problems)
  const rules = read.flatMap((file) => file.rules)
  // An unreachable rule among broken files may be the fault of the broken ones: tell those first.
  if (problems.length === 0) problems.push(...checkRules(rules))
  if (problems.length > 0) return { ok: false, problems }
  const version = `sha256:${hash('sha256', JSON.stringify(read.map(({ name, sha256 }) => [name, sha256])))}`
  return { ok: true, policy: { version, rules }, files: names }
}

/** Changes whenever any policy file does, to the resolution of the file system's clock; undefined if unreadable. */
export function folderSignature(folder: string): string | undefined {
  const names = policyFileNames(folder)
  if (names === undefined) return undefined
  return names.map((name) => [name, ...stamp(join(folder, name))].join(':')).join('\n')
}

function policyFileNames(folder: string): string[] | undefined {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.json') && !name.endsWith('.schema.json'))
      .sort()
  } catch {
    return undefined
  }
}

function stamp(path: string): readonly (bigint | string)[] {
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false })
  return stats === undefined ? ['gone'] : [stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs]
}

interface ReadFile {
  readonly name: string
  readonly sha256: string
  readonly rules: Policy['rules']
  readonly problems: readonly string[]
}

function readPolicyFile(folder: string, name: string, owners: readonly number[]): ReadFile {
  const failed = (...problems: string[]): ReadFile => ({
    name,
    sha256: '',
    rules: [],
    problems: problems.map((problem) => `${name}: ${problem}`),
  })
  const path = join(folder, name)
  let text: string
  try {
    const untrusted = distrust(lstatSync(path, { bigint: true }), owners)
    if (untrusted !== undefined) return failed(untrusted)
    text = readFileSync(path, 'utf8')
  } catch (error) {
    return failed(`cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`)
  }
  const parsed = parse(text)
  if ('problem' in parsed) return failed(parsed.problem)
  const errors = Errors(PolicyFile, parsed.value)
  if (errors.length > 0)
    return failed(...errors.map((error) => `${error.instancePath || '/'} ${error.message}`))
  return { name, sha256: hash('sha256', text), rules: (parsed.value as PolicyFile).rules, problems: [] }
}

/** A policy that others can write is theirs, not ours. */
function distrust(stats: BigIntStats, owners: readonly number[]): string | undefined {
  if (!stats.isFile()) return 'is not a regular file'
  if (stats.size > BigInt(FILE_BYTES_MAX)) return 'is too large'
  if (!owners.includes(Number(stats.uid))) return 'belongs to another user'
  if ((stats.mode & WRITABLE_BY_OTHERS) !== 0n) return 'can be written by group or others'
  return undefined
}

function parse(text: string): { readonly value: unknown } | { readonly problem: string } {
  try {
    const value: unknown = JSON.parse(text)
    const duplicate = findDuplicateKey(text)
    return duplicate === undefined ? { value } : { problem: `names "${duplicate}" twice in one object` }
  } catch (error) {
    return { problem: `is not valid JSON (${(error as Error).message})` }
  }
}
