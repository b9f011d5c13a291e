import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { OpsClock } from './host.ts'
import { OPS_EXIT, OpsError, type OpsExitCode } from './ops-error.ts'
import { type ProcessIdentity, signalIdentity } from './process/identity.ts'
import { type OwnedProcess, type ProcessExit, spawnOwned } from './process/spawn-owned.ts'
import { killGroup, stopOwned, type StopOutcome } from './process/stop-owned.ts'
import { createRestartBudget, type RestartBudget } from './restart-budget.ts'
import type { Program } from './service-programs.ts'
import { waitUntil } from './wait-until.ts'

const PROBE_INTERVAL_MS = 40
const RESTART_DELAY_MS = 100
const OUTPUT_TAIL_BYTES = 2_000

export interface SlotOptions {
  readonly name: string
  readonly program: Program
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  /** Receives what the process writes to its terminal. */
  readonly outputFile: string
  readonly clock: OpsClock
  /** Asked with the pid of the current process until it says yes. */
  readonly isReady: (pid: number) => Promise<boolean>
  /** False: an end on its own is told ('ended') and left at that. */
  readonly restart: boolean
  /** Restarts in 5 minutes; 3 unless said otherwise. */
  readonly restartsMax?: number | undefined
  readonly onChange: (change: SlotChange) => void
}

export type SlotChange =
  | { readonly kind: 'spawned' }
  | { readonly kind: 'restarting' | 'given_up' | 'ended'; readonly cause: string }

/** One place among what is supervised: its process, and the next one when that ends on its own. */
export class ProcessSlot {
  readonly name: string
  readonly #options: SlotOptions
  readonly #budget: RestartBudget
  readonly #leaders: ProcessIdentity[] = []
  #process: OwnedProcess | undefined
  #restarts = 0
  #wasReady = false
  #stopping = false
  #restarting: Promise<void> = Promise.resolve()

  constructor(options: SlotOptions) {
    this.name = options.name
    this.#options = options
    this.#budget = createRestartBudget(options.restartsMax)
  }

  /** Every process this slot ever led; their groups and sessions belong to the run. */
  get leaders(): readonly ProcessIdentity[] {
    return this.#leaders
  }

  get identity(): ProcessIdentity | undefined {
    return this.#process?.identity
  }

  get exit(): ProcessExit | undefined {
    return this.#process?.exit()
  }

  get restarts(): number {
    return this.#restarts
  }

  async spawn(): Promise<void> {
    const { program, ...rest } = this.#options
    const owned = await spawnOwned({ ...rest, ...program })
    this.#process = owned
    this.#leaders.push(owned.identity)
    this.#options.onChange({ kind: 'spawned' })
    void owned.exited.then((exit) => this.#onExit(owned, exit))
  }

  async becomeReady(timeoutMs: number, signal: AbortSignal): Promise<void> {
    const { clock, isReady } = this.#options
    const ready = await waitUntil(
      async () => {
        this.#refuseEnded()
        return (await isReady(this.identity?.pid ?? 0)) ? true : undefined
      },
      { clock, timeoutMs, intervalMs: PROBE_INTERVAL_MS, signal },
    )
    if (ready === undefined) throw this.#notReady(`was not ready within ${timeoutMs / 1_000} s`)
    this.#wasReady = true
  }

  kill(signal: NodeJS.Signals): boolean {
    return this.identity !== undefined && signalIdentity(this.identity, signal)
  }

  /** From now on an end of the process is meant. */
  forsake(): void {
    this.#stopping = true
  }

  async stop(graceMs: number): Promise<StopOutcome> {
    this.forsake()
    await this.#restarting
    if (this.#process === undefined) return { name: this.name, killed: false }
    return stopOwned(this.#process, graceMs)
  }

  #refuseEnded(): void {
    const exit = this.exit
    if (exit === undefined) return
    const code = exit.code === OPS_EXIT.badInput ? OPS_EXIT.badInput : OPS_EXIT.unavailable
    throw this.#notReady(`ended ${describeExit(exit)} before it was ready`, code)
  }

  #notReady(what: string, code: OpsExitCode = OPS_EXIT.unavailable): OpsError {
    const tail = readTail(this.#options.outputFile)
    return new OpsError(code, `${this.name} ${what}${tail === '' ? '' : `; it said: ${tail}`}`, {
      hint: `see ${this.name}.log and ${this.name}.out in the logs folder of the state`,
    })
  }

  #onExit(owned: OwnedProcess, exit: ProcessExit): void {
    if (this.#stopping || !this.#wasReady) return
    this.#restarting = this.#restart(owned, describeExit(exit)).catch((error: unknown) => {
      this.#options.onChange({
        kind: 'given_up',
        cause: error instanceof Error ? error.message : 'not startable',
      })
    })
  }

  async #restart(owned: OwnedProcess, cause: string): Promise<void> {
    killGroup(owned.identity)
    if (!this.#options.restart) {
      this.#options.onChange({ kind: 'ended', cause })
      return
    }
    if (!this.#budget.take(this.#options.clock.monotonicMs())) {
      this.#options.onChange({ kind: 'given_up', cause })
      return
    }
    this.#restarts += 1
    this.#options.onChange({ kind: 'restarting', cause })
    await delay(RESTART_DELAY_MS)
    if (!this.#stopping) await this.spawn()
  }
}

function describeExit(exit: ProcessExit): string {
  return exit.signal === null ? `with code ${exit.code}` : `by ${exit.signal}`
}

/** Last lines of what a process wrote to its terminal, on one line. */
function readTail(path: string): string {
  try {
    const file = openSync(path, 'r')
    try {
      const size = fstatSync(file).size
      const buffer = Buffer.alloc(Math.min(size, OUTPUT_TAIL_BYTES))
      readSync(file, buffer, 0, buffer.length, size - buffer.length)
      return buffer.toString('utf8').trim().split('\n').slice(-8).join(' | ')
    } finally {
      closeSync(file)
    }
  } catch {
    return ''
  }
}
