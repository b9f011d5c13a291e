import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stderr, stdout } from 'node:process'
import { parseArgs } from 'node:util'
import { CATALOG, portAt, type ServiceName, WATCH_PORTS } from '#catalog'
import { startUpstreamDouble } from '#gates/doubles/upstream.ts'
import { type KillNeeds, loadOn } from '#gates/durability/drill-needs.ts'
import { checkLedger, killMemory } from '#gates/durability/kill-memory.ts'
import { extended } from '#gates/durability/with-embeddings.ts'
import { hostOfProcess } from '#gates/host.ts'
import { createProgress } from '#gates/runners/progress.ts'
import { startServiceSlots } from './lib/service-slots.ts'

// SIGKILLs of memory-engine under writes, the loop of gate 4 without the services that are not killed: memory-engine,
// what issues its tokens and what brings its vectors. Counts, never times. A loop that ends before its time, whatever
// the reason, is compared with its table all the same. Exit code 1 where anything was lost, 2 where it ended early.
const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    /** Given by ./sonia bench; there is no other form here. */
    json: { type: 'boolean', default: false },
    kills: { type: 'string' },
    /** Ends the loop before that many. */
    minutes: { type: 'string', default: '1000' },
    'port-base': { type: 'string', default: '27600' },
  },
})
const KILLS = Number(values.kills ?? (values.short ? 3 : 1000))
const SERVICES = ['memory-engine', 'eva-os', 'model-router'] as const satisfies readonly ServiceName[]
const ENDS_AT_MS = performance.now() + Number(values.minutes) * 60_000
const portBase = Number(values['port-base'])
const host = hostOfProcess(process)
const home = mkdtempSync(join(tmpdir(), 'sonia-kills-'))
const double = await startUpstreamDouble({ port: portAt(WATCH_PORTS.upstreamDouble, portBase) })
const slots = await startServiceSlots({
  services: SERVICES,
  home,
  portBase,
  host,
  configuration: extended({}, double.baseUrl),
  restartsMax: KILLS + 1,
})
const counts = { held: 0, notHeld: 0 }
const figures: object[] = []
let endedEarly: string | null = null
try {
  await killAll()
} finally {
  await Promise.all(slots.map((slot) => slot.stop(5000)))
  await double.close()
  rmSync(home, { recursive: true, force: true })
}
const kills = slots[0]?.restarts ?? 0
const answer = { bench: 'memory-kills', asked: KILLS, ...counts, kills, ended_early: endedEarly, figures }
stdout.write(`${JSON.stringify(answer, null, 2)}\n`)
if (counts.notHeld > 0) process.exitCode = 1
else if (endedEarly !== null) process.exitCode = 2

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
  } catch (error) {
    endedEarly = String(error)
    stderr.write(`the loop ended: ${endedEarly}\n`)
  } finally {
    await load.stop()
  }
  await checkLedger(needs, { load, home })
}
