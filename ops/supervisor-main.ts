/**
 * The daemon behind `./sonia up`: supervisor-main.ts <JSON: SupervisorArguments>.
 * Standard output is logs/supervisor.log, in the fields of the services' logs.
 */
import { runSupervisor } from './supervisor.ts'
import type { SupervisorArguments } from './up.ts'

const settings = JSON.parse(process.argv[2] ?? '{}') as SupervisorArguments
const first = new AbortController()
const second = new AbortController()
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  process.on(signal, () => (first.signal.aborted ? second : first).abort())
}
process.exitCode = await runSupervisor({
  repo: settings.repo,
  home: settings.home,
  portBase: settings.port_base,
  runId: settings.run_id,
  host: { env: process.env, clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() } },
  watch: { scrapeIntervalSeconds: settings.scrape_seconds },
  stopAsked: first.signal,
  stopAskedTwice: second.signal,
  log: (level, operation, message) => {
    const line = { timestamp: new Date().toISOString(), level, service: 'supervisor', correlation_id: null }
    process.stdout.write(`${JSON.stringify({ ...line, operation, run_id: settings.run_id, message })}\n`)
  },
})
process.exit()
