import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execPath, stderr, stdout } from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { CATALOG, portAt, type ServiceName, WATCH_PORTS } from '#catalog'
import { startUpstreamDouble } from '#gates/doubles/upstream.ts'
import { type KillNeeds, loadOn } from '#gates/durability/drill-needs.ts'
import { checkLedger, killMemory } from '#gates/durability/kill-memory.ts'
import { extended } from '#gates/durability/with-embeddings.ts'
import { hostOfProcess } from '#gates/host.ts'
import { createProgress } from '#gates/runners/progress.ts'
import { ProcessSlot } from '#ops/process-slot.ts'
import { isServiceReady } from '#ops/readiness.ts'
import { repositoryPrograms, serviceEnvironment } from '#ops/service-programs.ts'
import { startTogether } from '#ops/start-together.ts'
import { prepareHome, writeBootstrapSecrets } from '#ops/state-home.ts'

// SIGKILLs of memory-engine under writes, the loop of gate 4 without the services that are not killed: memory-engine,
// what issues its tokens and what brings its vectors. Counts, never times. Exit code 1 where anything was lost.
const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    kills: { type: 'string' },
    /** Ends the loop before that many. */
    minutes: { type: 'string', default: '1000' },
    'port-base': { type: 'string', default: '27600' },
  },
})
const KILLS = Number(values.kills ?? (values.short ? 3 : 1000))
const SERVICES = ['memory-engine', 'eva-os', 'model-router'] as const satisfies readonly ServiceName[]
const ENDS_AT_MS = performance.now() + Number(values.minutes) * 60_000
const READY_TIMEOUT_MS = 120_000
const repository = fileURLToPath(new URL('..', import.meta.url))
const portBase = Number(values['port-base'])
const host = hostOfProcess(process)
const home = mkdtempSync(join(tmpdir(), 'sonia-kills-'))
const double = await startUpstreamDouble({ port: portAt(WATCH_PORTS.upstreamDouble, portBase) })
const slots = createSlots()
const counts = { held: 0, notHeld: 0 }
const figures: object[] = []
try {
  await startTogether(
    slots.map((slot) => ({ slot })),
    { signal: host.interrupted, timeoutMs: READY_TIMEOUT_MS },
  )
  await killAll()
} finally {
  await Promise.all(slots.map((slot) => slot.stop(5000)))
  await double.close()
  rmSync(home, { recursive: true, force: true })
}
const answer = { bench: 'memory-kills', asked: KILLS, ...counts, kills: slots[0]?.restarts ?? 0, figures }
stdout.write(`${JSON.stringify(answer, null, 2)}\n`)
process.exitCode = counts.notHeld === 0 ? 0 : 1

function createSlots(): readonly ProcessSlot[] {
  mkdirSync(join(home, 'config'), { mode: 0o700 })
  writeFileSync(join(home, 'config', 'sonia.json'), JSON.stringify(extended({}, double.baseUrl)))
  const folders = prepareHome({ home, repo: repository })
  writeBootstrapSecrets(folders)
  const runId = `kills-${process.pid}`
  const env = serviceEnvironment({
    repo: repository,
    host,
    folders,
    runId,
    portBase,
    // There is no Collector to send traces to.
    extra: { OTEL_SDK_DISABLED: 'true' },
  })
  return SERVICES.map((service) => {
    const port = portAt(CATALOG[service].port, portBase)
    return new ProcessSlot({
      name: service,
      program: { command: execPath, args: repositoryPrograms(repository)(service).args.slice(-1) },
      env,
      cwd: repository,
      outputFile: join(folders.logs, `${service}.out`),
      clock: host.clock,
      restart: true,
      restartsMax: KILLS + 1,
      isReady: (pid) => isServiceReady({ pid, port, runId }),
      onChange: () => undefined,
    })
  })
}

async function killAll(): Promise<void> {
  const slotOf = (service: ServiceName) => slots.find((slot) => slot.name === service)
  const needs: KillNeeds = {
    context: {
      home,
      host,
      portBase,
      signal: host.interrupted,
      progress: createProgress(host.stderr, host.clock),
    },
    kills: KILLS,
    isOver: () => performance.now() > ENDS_AT_MS,
    count: (check, isHeld, said) => {
      if (isHeld) counts.held += 1
      else counts.notHeld += 1
      if (!isHeld) stderr.write(`${check}: ${said ?? 'did not hold'}\n`)
    },
    note: (one) => void figures.push(one),
  }
  const stack = {
    kill: (service: ServiceName, signal: NodeJS.Signals) => slotOf(service)?.kill(signal) ?? false,
    get processes() {
      return SERVICES.flatMap((service) => {
        const identity = slotOf(service)?.identity
        return identity === undefined
          ? []
          : [{ service, port: portAt(CATALOG[service].port, portBase), identity }]
      })
    },
  }
  const load = loadOn(needs, home, 'harbour')
  try {
    await killMemory(needs, stack, { load, home })
  } finally {
    await load.stop()
  }
  await checkLedger(needs, { load, home })
}
