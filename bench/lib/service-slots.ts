import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { fileURLToPath } from 'node:url'
import { CATALOG, portAt, type ServiceName } from '#catalog'
import type { Host } from '#gates/host.ts'
import { ProcessSlot } from '#ops/process-slot.ts'
import { isServiceReady } from '#ops/readiness.ts'
import { repositoryPrograms, serviceEnvironment } from '#ops/service-programs.ts'
import { startTogether } from '#ops/start-together.ts'
import { prepareHome, writeBootstrapSecrets } from '#ops/state-home.ts'

export interface SlotSettings {
  readonly services: readonly ServiceName[]
  readonly home: string
  readonly portBase: number
  readonly host: Host
  /** What stands in sonia.json. */
  readonly configuration: object
  readonly restartsMax: number
}

const READY_TIMEOUT_MS = 120_000
const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url))

/** Some of the six services, each in the slot that supervises it, ready when this returns; nothing watches them. */
export async function startServiceSlots(settings: SlotSettings): Promise<readonly ProcessSlot[]> {
  const { home, portBase, host, services } = settings
  mkdirSync(join(home, 'config'), { recursive: true, mode: 0o700 })
  writeFileSync(join(home, 'config', 'sonia.json'), JSON.stringify(settings.configuration))
  const folders = prepareHome({ home, repo: REPOSITORY })
  writeBootstrapSecrets(folders)
  const runId = `bench-${process.pid}`
  // There is no Collector to send traces to.
  const extra = { OTEL_SDK_DISABLED: 'true' }
  const env = serviceEnvironment({ repo: REPOSITORY, host, folders, runId, portBase, extra })
  const slots = services.map((service) => {
    const port = portAt(CATALOG[service].port, portBase)
    return new ProcessSlot({
      name: service,
      program: { command: execPath, args: repositoryPrograms(REPOSITORY)(service).args.slice(-1) },
      env,
      cwd: REPOSITORY,
      outputFile: join(folders.logs, `${service}.out`),
      clock: host.clock,
      restart: true,
      restartsMax: settings.restartsMax,
      isReady: (pid) => isServiceReady({ pid, port, runId }),
      onChange: () => undefined,
    })
  })
  const starting = { signal: host.interrupted, timeoutMs: READY_TIMEOUT_MS }
  await startTogether(
    slots.map((slot) => ({ slot })),
    starting,
  )
  return slots
}
