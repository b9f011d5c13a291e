import { join } from 'node:path'
import type { ToolName } from '#tools/components.ts'
import { locateTool } from '#tools/locate.ts'
import type { OpsHost } from './host.ts'
import { ownsPort } from './process/listening-ports.ts'
import { WATCH_MARKER } from './process/run-processes.ts'
import { ProcessSlot, type SlotChange } from './process-slot.ts'
import { probe } from './readiness.ts'
import { inherited } from './service-programs.ts'
import type { StateHome } from './state-home.ts'
import type { WatchFolders } from './watch-files.ts'

export const WATCH_TOOLS = ['prometheus', 'alertmanager', 'collector'] as const
export type WatchTool = (typeof WATCH_TOOLS)[number]

export interface WatchSlot {
  readonly tool: WatchTool
  readonly slot: ProcessSlot
}

export interface WatchSlotsOptions {
  readonly repo: string
  readonly runId: string
  readonly host: OpsHost
  readonly folders: StateHome
  readonly files: WatchFolders
  readonly ports: Readonly<Record<WatchTool | 'collectorHealth', number>>
  readonly retention: string
  readonly scrapeIntervalSeconds: number
  readonly restart: readonly WatchTool[]
  readonly onChange: (tool: WatchTool, change: SlotChange) => void
}

/** Finds the three tools (exit 69 when one is missing) and makes a slot for each; nothing is started yet. */
export async function createWatchSlots(options: WatchSlotsOptions): Promise<readonly WatchSlot[]> {
  const plans = watchPlans(options)
  const toolHost = { env: options.host.env, repository: options.repo }
  const located = await Promise.all(WATCH_TOOLS.map((tool) => locateTool(plans[tool].binary, toolHost)))
  return WATCH_TOOLS.map((tool, index) =>
    createWatchSlot(options, tool, plans[tool], located[index]?.path ?? ''),
  )
}

function createWatchSlot(
  options: WatchSlotsOptions,
  tool: WatchTool,
  plan: WatchPlan,
  command: string,
): WatchSlot {
  const { host, folders, ports } = options
  const isUp = async () => (await probe(plan.ready.port, plan.ready.path))?.status === 200
  const slot = new ProcessSlot({
    name: tool,
    program: { command, args: plan.args },
    env: { ...inherited(host.env), SONIA_HOME: folders.home, [WATCH_MARKER]: options.runId },
    cwd: folders.run,
    outputFile: join(folders.logs, `${tool}.out`),
    clock: host.clock,
    restart: options.restart.includes(tool),
    isReady: async (pid) => ownsPort(pid, ports[tool]) && (await isUp()),
    onChange: (change) => options.onChange(tool, change),
  })
  return { tool, slot }
}

interface WatchPlan {
  readonly binary: ToolName
  readonly args: readonly string[]
  readonly ready: { readonly port: number; readonly path: string }
}

function watchPlans(options: WatchSlotsOptions): Readonly<Record<WatchTool, WatchPlan>> {
  const { files, ports } = options
  const listen = (port: number) => `--web.listen-address=127.0.0.1:${port}`
  return {
    prometheus: {
      binary: 'prometheus',
      args: [
        `--config.file=${files.prometheusConfig}`,
        `--storage.tsdb.path=${files.prometheusData}`,
        `--storage.tsdb.retention.time=${options.retention}`,
        listen(ports.prometheus),
        '--web.enable-remote-write-receiver',
        '--web.enable-admin-api',
        '--enable-feature=exemplar-storage',
        // By default the first scrape waits up to 5 s for the first look at the targets.
        '--scrape.discovery-reload-interval=200ms',
        // How long a restarted Alertmanager may know nothing: by default a minute, also when scrapes come every second.
        `--rules.alert.resend-delay=${Math.min(60, 4 * options.scrapeIntervalSeconds)}s`,
        '--log.format=json',
      ],
      ready: { port: ports.prometheus, path: '/-/ready' },
    },
    alertmanager: {
      binary: 'alertmanager',
      args: [
        `--config.file=${files.alertmanagerConfig}`,
        `--storage.path=${files.alertmanagerData}`,
        listen(ports.alertmanager),
        '--cluster.listen-address=',
        '--log.format=json',
      ],
      ready: { port: ports.alertmanager, path: '/-/ready' },
    },
    collector: {
      binary: 'otelcol',
      args: [`--config=${files.collectorConfig}`],
      ready: { port: ports.collectorHealth, path: '/' },
    },
  }
}
