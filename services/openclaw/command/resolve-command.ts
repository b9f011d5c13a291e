import { closeSync, fstatSync } from 'node:fs'
import { ServiceError } from '#chassis/errors.ts'
import type { ProgramIdentity, ProgramShelf } from '../containment/program-identity.ts'
import { sha256OfDescriptor } from '../files/digest.ts'
import { SANDBOX_MOUNT, parsePath } from '../files/path-name.ts'
import { type SandboxRoot, assertPlainFile, openRegularFile, statIn, withFolder } from '../files/walk.ts'
import { refusal } from '../refusal.ts'
import type { FolderIdentity, OperandDigest } from '../toolbox/tool.ts'
import { type PathArgument, matchGrammar } from './grammar.ts'
import { parseCommand } from './parse-command.ts'
import { type ProgramRule, findProgramRule } from './programs.ts'

export interface ResolvedCommand {
  /** As the program will see it: absolute program, paths of the sandbox as it is mounted for programs. */
  readonly argv: readonly string[]
  readonly isCompute: boolean
  readonly program: { readonly fd: number; readonly identity: ProgramIdentity }
  readonly folder: { readonly components: readonly string[]; readonly identity: FolderIdentity }
  /** Digests of the files that a call which needs approval names. */
  readonly operands: readonly OperandDigest[]
  /**
   * What is wrong with the paths of a call that needs a person's approval anyway: policy answers first, and the
   * refusal holds all the same when an approval is presented.
   */
  readonly deferred: ServiceError | null
}

export interface CommandSurroundings {
  readonly root: SandboxRoot
  readonly shelf: ProgramShelf
}

const OPERAND_BYTES_MAX = 64 * 1024 * 1024
/** Digesting holds up everybody else, so it is bounded for a whole call. */
const OPERANDS_BYTES_MAX = 128 * 1024 * 1024
const PROGRAM_WORD = /^(?:\/usr\/bin\/|\/bin\/)?([a-z0-9]+)$/

/** From the text of a command to exactly one program, its words, and the files they name; or a refusal. */
export function resolveCommand(
  { root, shelf }: CommandSurroundings,
  command: string,
  cwd: string | null,
): ResolvedCommand {
  const words = parseCommand(command)
  const rule = findRule(words[0] ?? '', shelf)
  const { isCompute, paths } = matchRule(rule, words)
  const folder = openWorkingFolder(root, cwd)
  const judged = judgePaths({ root, base: folder.components, paths, withDigests: !isCompute })
  if (isCompute && judged.problem !== null) throw judged.problem
  const program = shelf.open(rule.name)
  return {
    argv: [program.identity.path, ...mountedWords(root, words, paths).slice(1)],
    isCompute,
    program,
    folder,
    operands: judged.digests,
    deferred: judged.problem,
  }
}

function findRule(word: string, shelf: ProgramShelf): ProgramRule {
  const name = PROGRAM_WORD.exec(word)?.[1]
  const rule = name === undefined ? undefined : findProgramRule(name)
  if (rule === undefined || !shelf.has(rule.name)) {
    throw refusal('PROGRAM_NOT_ALLOWED', 'This program is not among the allowed ones.')
  }
  return rule
}

function matchRule(rule: ProgramRule, words: readonly string[]) {
  const compute = rule.compute === undefined ? null : matchGrammar(rule.compute, words)
  if (compute !== null) return { isCompute: true, paths: compute }
  const destructive = rule.destructive === undefined ? null : matchGrammar(rule.destructive, words)
  if (destructive !== null) return { isCompute: false, paths: destructive }
  throw refusal('ARGUMENT_NOT_ALLOWED', `These arguments of ${rule.name} are not allowed.`, {
    tier: 'TIER_3_DESTRUCTIVE',
  })
}

function openWorkingFolder(root: SandboxRoot, cwd: string | null) {
  const components = cwd === null ? [] : parsePath(root, cwd)
  const stats = withFolder(root, components, (fd) => fstatSync(fd))
  const path = [SANDBOX_MOUNT, ...components].join('/')
  return { components, identity: { path, device: stats.dev, inode: stats.ino } }
}

interface PathsToJudge {
  readonly root: SandboxRoot
  readonly base: readonly string[]
  readonly paths: readonly PathArgument[]
  readonly withDigests: boolean
}

function judgePaths({ root, base, paths, withDigests }: PathsToJudge) {
  const digests: OperandDigest[] = []
  const budget: DigestBudget | null = withDigests ? { bytesLeft: OPERANDS_BYTES_MAX } : null
  let problem: ServiceError | null = null
  for (const argument of paths) {
    const judged = judgePath({ root, base, argument, budget })
    problem ??= judged.problem
    if (withDigests) digests.push(judged.digest)
  }
  return { digests, problem }
}

/** What may still be digested for this call. */
interface DigestBudget {
  bytesLeft: number
}

interface PathToJudge extends Pick<PathsToJudge, 'root' | 'base'> {
  readonly argument: PathArgument
  /** Null where no digest is asked for. */
  readonly budget: DigestBudget | null
}

function judgePath({ root, base, argument: { path, noFolder }, budget }: PathToJudge) {
  try {
    const components = parseOperand(root, path, base)
    const sha256 = inspect(root, components, { budget, noFolder })
    return { digest: { path: components.join('/') || '.', sha256 }, problem: null }
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error
    return { digest: { path, sha256: null }, problem: error }
  }
}

/** The program resolves the path itself and might go through a link before `..`, so that is not left to it. */
function parseOperand(root: SandboxRoot, path: string, base: readonly string[]): readonly string[] {
  const components = parsePath(root, path, base)
  if (path.split(/[\\/]/).includes('..'))
    throw refusal('OUTSIDE_SANDBOX', 'Paths of programs may not contain "..".')
  return components
}

/** Looks at what the path names now: a link or a special file is refused; nothing there is the program's to report. */
function inspect(
  root: SandboxRoot,
  components: readonly string[],
  { budget, noFolder }: Pick<PathToJudge, 'budget'> & { readonly noFolder: boolean },
): string | null {
  const name = components.at(-1)
  const isFolder = () => {
    if (noFolder) throw refusal('ARGUMENT_NOT_ALLOWED', 'This program takes files here, no folders.')
    return null
  }
  if (name === undefined) return isFolder()
  try {
    return withFolder(root, components.slice(0, -1), (folderFd) => {
      const stats = statIn(folderFd, name)
      if (stats === undefined) return null
      if (stats.isDirectory()) return isFolder()
      assertPlainFile(root, stats)
      return budget === null ? null : digestIn(root, { folderFd, name }, budget)
    })
  } catch (error) {
    if (error instanceof ServiceError && error.code === 'NOT_FOUND') return null
    throw error
  }
}

function digestIn(
  root: SandboxRoot,
  { folderFd, name }: { readonly folderFd: number; readonly name: string },
  budget: DigestBudget,
): string {
  const { fd, stats } = openRegularFile(root, folderFd, name)
  try {
    if (stats.size > Math.min(OPERAND_BYTES_MAX, budget.bytesLeft))
      throw new ServiceError('TOO_LARGE', 'The files are too large to be approved.')
    budget.bytesLeft -= stats.size
    return sha256OfDescriptor(fd)
  } finally {
    closeSync(fd)
  }
}

/** Absolute spellings of the sandbox become the place where programs see it. */
function mountedWords(root: SandboxRoot, words: readonly string[], paths: readonly PathArgument[]) {
  const mounted = [...words]
  for (const { wordIndex, prefix, path } of paths) {
    if (wordIndex === null || (!path.startsWith('/') && !/^[Ss]:/.test(path))) continue
    mounted[wordIndex] = prefix + mountedPath(root, path)
  }
  return mounted
}

function mountedPath(root: SandboxRoot, path: string): string {
  try {
    return [SANDBOX_MOUNT, ...parsePath(root, path)].join('/')
  } catch {
    // Outside: stays as it was written, for the person who reads the request; it never runs.
    return path
  }
}
