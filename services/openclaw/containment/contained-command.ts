import { GIT_ENVIRONMENT } from './git-environment.ts'
import type { ProgramLimits } from './program-limits.ts'

/** What is to run, independent of the means that contain it. */
export interface ContainedCommand {
  /** Absolute program and its arguments, as the program is to see them. */
  readonly argv: readonly [string, ...string[]]
  /** Descriptor of the verified program file; it is what runs, whatever the path names by then. */
  readonly programFd: number
  /** Descriptor of the sandbox root. */
  readonly rootFd: number
  /** Folder below the root, as components. */
  readonly folder: readonly string[]
  readonly limits: ProgramLimits
  /** Seconds of processor time; the wall clock is watched from outside. */
  readonly cpuSecondsMax: number
}

/** A process that is started before its command is known: any of the programs, each bound at its path. */
export interface SpareCommand {
  /** For `sh -c`; constant. */
  readonly script: string
  readonly rootFd: number
  readonly programs: readonly { readonly fd: number; readonly path: string }[]
  readonly limits: ProgramLimits
  readonly cpuSecondsMax: number
}

/** A process to start: its program, arguments, and the descriptors to pass as 3, 4, ... */
export interface ProcessPlan {
  readonly file: string
  readonly args: readonly string[]
  readonly descriptors: readonly number[]
}

/** A working means of containment on this machine. */
export interface Containment {
  readonly kind: 'bubblewrap' | 'unshare'
  readonly plan: (command: ContainedCommand) => ProcessPlan
  /** Null where processes cannot be prepared ahead. */
  readonly planSpare: ((spare: SpareCommand) => ProcessPlan) | null
}

/** Who contained programs run as when the service is root; null where it is not, and a user namespace is used. */
export interface ContainedUser {
  readonly uid: number
  readonly gid: number
}

/** Nothing of the service's own environment reaches a tool. */
export const CONTAINED_ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH: '/usr/bin:/bin',
  LANG: 'C.UTF-8',
  HOME: '/sandbox',
  TMPDIR: '/tmp',
  ...GIT_ENVIRONMENT,
}

/** Names of the environment, for the envelope a person approves. */
export const CONTAINED_ENVIRONMENT_NAMES: readonly string[] = Object.keys(CONTAINED_ENVIRONMENT).toSorted()
