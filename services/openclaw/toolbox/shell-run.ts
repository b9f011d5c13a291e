import type { ChildProcess } from 'node:child_process'
import { closeSync } from 'node:fs'
import { type Static, Type } from 'typebox'
import { ServiceError } from '#chassis/errors.ts'
import { resolveCommand } from '../command/resolve-command.ts'
import { CONTAINED_ENVIRONMENT_NAMES, type Containment } from '../containment/contained-command.ts'
import type { ProgramIdentity, ProgramShelf } from '../containment/program-identity.ts'
import type { ProgramLimits } from '../containment/program-limits.ts'
import { type ContainedRun, runContained, runInSpare } from '../containment/run-contained.ts'
import type { Spares } from '../containment/spares.ts'
import type { FilesInUse } from '../files/files-in-use.ts'
import { SANDBOX_MOUNT } from '../files/path-name.ts'
import type { SandboxRoot } from '../files/walk.ts'
import { refusal } from '../refusal.ts'
import { PROGRAM_RULES } from '../command/programs.ts'
import type { PreparedCall, RunBounds, Tool, ToolCall, ToolOutcome } from './tool.ts'

const schema = Type.Object(
  {
    command: Type.String({ minLength: 1, maxLength: 8192 }),
    cwd: Type.Optional(Type.String({ minLength: 1, maxLength: 4096 })),
  },
  { additionalProperties: false },
)

type ShellArguments = Static<typeof schema>

export interface ShellSettings {
  readonly root: SandboxRoot
  readonly containment: Containment
  readonly shelf: ProgramShelf
  readonly limits: ProgramLimits
  /** Processes prepared ahead; null where the containment cannot. */
  readonly spares: Spares | null
  readonly inUse: FilesInUse
}

/** `settings` is the reason where shell.run cannot be used safely on this machine. */
export function shellRun(settings: ShellSettings | string): Tool<typeof schema, ShellArguments> {
  const isUsable = typeof settings !== 'string'
  return {
    name: 'shell.run',
    summary: 'Run one allowed program, without a shell, contained by the operating system',
    tiers: ['TIER_1_COMPUTE', 'TIER_3_DESTRUCTIVE'],
    schema,
    limits: isUsable ? describeLimits(settings.limits) : {},
    unavailable: isUsable ? null : settings,
    prepare: (call) => {
      if (!isUsable) throw new ServiceError('UNAVAILABLE', settings)
      return prepareShell(settings, call)
    },
    describe: () => ({
      sandbox: SANDBOX_MOUNT,
      containment: isUsable ? settings.containment.kind : null,
      programs: isUsable ? PROGRAM_RULES.filter(({ name }) => settings.shelf.has(name)) : [],
    }),
  }
}

function describeLimits(limits: ProgramLimits) {
  return {
    memory_bytes_max: limits.memoryBytesMax,
    processes_max: limits.processesMax,
    file_bytes_max: limits.fileBytesMax,
    output_bytes_max: limits.outputBytesMax,
  }
}

function prepareShell(settings: ShellSettings, { args, cwd }: ToolCall<ShellArguments>): PreparedCall {
  const resolved = resolveCommand(settings, args.command, args.cwd ?? cwd)
  const { program, folder, operands, deferred } = resolved
  let endUse: (() => void) | null = null
  return {
    facts: {
      tier: resolved.isCompute ? 'TIER_1_COMPUTE' : 'TIER_3_DESTRUCTIVE',
      grammarMatch: resolved.isCompute,
      argv: resolved.argv,
      program: program.identity,
      cwd: folder.identity,
      env: CONTAINED_ENVIRONMENT_NAMES,
      operands,
    },
    subject: resolved.argv.join(' ').slice(0, 200),
    assertRunnable: () => {
      if (deferred !== null) throw deferred
    },
    holdOperands: () => {
      endUse ??= settings.inUse.holdOperands(operands.map((operand) => operand.path))
    },
    run: async (argv, bounds) => {
      const [path, ...rest] = argv ?? []
      if (path !== program.identity.path) throw refusal('APPROVAL_MISMATCH', 'Another program was approved.')
      return runProgram(settings, bounds, {
        argv: [path, ...rest],
        program: program.identity,
        programFd: program.fd,
        folder: folder.components,
      })
    },
    release: () => {
      endUse?.()
      closeSync(program.fd)
    },
  }
}

interface Start {
  readonly argv: readonly [string, ...string[]]
  readonly program: ProgramIdentity
  readonly programFd: number
  readonly folder: readonly string[]
}

async function runProgram(settings: ShellSettings, bounds: RunBounds, start: Start): Promise<ToolOutcome> {
  const { containment, spares } = settings
  const spare = spares?.take(start.program) ?? null
  const run = await (spare === null
    ? runCold(settings, bounds, start)
    : runWarm(settings, bounds, { ...start, spare }))
  spares?.fill()
  return {
    status: statusOf(run),
    result: {
      exit_code: run.exitCode,
      ended_by: run.end,
      stdout: run.stdout,
      stderr: run.stderr,
      truncated: run.truncated,
      containment: containment.kind,
    },
    sideEffects: [{ type: 'program_run', target: start.argv[0] }],
  }
}

function runCold(
  { containment, root, limits }: ShellSettings,
  bounds: RunBounds,
  start: Start,
): Promise<ContainedRun> {
  const cpuSecondsMax = Math.ceil(bounds.timeoutMs / 1000) + 1
  return runContained(containment, { ...start, rootFd: root.fd, limits, cpuSecondsMax }, bounds)
}

function runWarm(
  { limits }: ShellSettings,
  bounds: RunBounds,
  { spare, folder, argv }: Start & { readonly spare: ChildProcess },
): Promise<ContainedRun> {
  const path = [SANDBOX_MOUNT, ...folder].join('/')
  return runInSpare(spare, { folder: path, argv, outputBytesMax: limits.outputBytesMax }, bounds)
}

/** A program that ended by itself was executed, whatever it thinks of the result. */
function statusOf({ end }: ContainedRun): ToolOutcome['status'] {
  switch (end) {
    case 'exited':
      return 'executed'
    case 'timeout':
      return 'timeout'
    case 'signal':
    case 'output_limit':
    case 'cancelled':
      return 'error'
  }
}
