import { statfsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { digestOfConfiguration } from './configuration-digest.ts'
import type { OpsClock } from './host.ts'
import type { OpsMetrics } from './ops-metrics.ts'
import { readProcFile } from './process/proc-stat.ts'

const PRESSURE_RESOURCES = ['cpu', 'io', 'memory'] as const
const MICROSECONDS_PER_SECOND = 1_000_000
const MILLISECONDS_PER_SECOND = 1_000
const BYTES_PER_KIB = 1_024

/** Samples disk, memory of the tools, pressure, clock and configuration into the registry; called once per scrape. */
export function createHostSampler(metrics: OpsMetrics, home: string, clock: OpsClock): () => void {
  const offsetAtStartMs = clock.nowMs() - clock.monotonicMs()
  const sampleConfiguration = createConfigurationSampler(metrics)
  const stalledSeconds = new Map<string, number>(
    PRESSURE_RESOURCES.map((name) => [name, readStalledSeconds(name)]),
  )
  metrics.setGauge('sonia_host_cpus', {}, availableParallelism())
  for (const resource of PRESSURE_RESOURCES) {
    metrics.addToCounter('sonia_host_pressure_stalled_seconds_total', { resource }, 0)
  }
  return () => {
    sampleDisk(metrics, home)
    sampleTools(metrics)
    const movedMs = clock.nowMs() - clock.monotonicMs() - offsetAtStartMs
    metrics.setGauge('sonia_host_clock_offset_seconds', {}, movedMs / MILLISECONDS_PER_SECOND)
    sampleConfiguration()
    for (const [resource, before] of stalledSeconds) {
      const now = readStalledSeconds(resource)
      metrics.addToCounter(
        'sonia_host_pressure_stalled_seconds_total',
        { resource },
        Math.max(0, now - before),
      )
      stalledSeconds.set(resource, now)
    }
  }
}

/** One series for the configuration as it is; another digest is another series, so that a window shows both. */
function createConfigurationSampler(metrics: OpsMetrics): () => void {
  let shown: string | null = null
  return () => {
    const folder = metrics.configurationFolder()
    if (folder === null) return
    const digest = digestOfConfiguration(folder)
    if (shown !== null && shown !== digest) metrics.dropGauge('sonia_configuration_info', { digest: shown })
    metrics.setGauge('sonia_configuration_info', { digest }, 1)
    shown = digest
  }
}

function sampleDisk(metrics: OpsMetrics, home: string): void {
  const disk = statfsSync(home)
  // The label says what the disk holds, not where it is mounted: paths would differ between machines.
  metrics.setGauge('sonia_disk_size_bytes', { path: 'home' }, disk.blocks * disk.bsize)
  metrics.setGauge('sonia_disk_free_bytes', { path: 'home' }, disk.bavail * disk.bsize)
}

function sampleTools(metrics: OpsMetrics): void {
  for (const [tool, pid] of metrics.trackedTools) {
    const bytes = residentBytes(pid)
    if (bytes === undefined) metrics.dropGauge('sonia_tool_resident_memory_bytes', { tool })
    else metrics.setGauge('sonia_tool_resident_memory_bytes', { tool }, bytes)
  }
}

/** VmRSS of /proc/<pid>/status; undefined when the process is gone or a zombie. */
function residentBytes(pid: number): number | undefined {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readProcFile(`/proc/${pid}/status`) ?? '')?.[1]
  return kib === undefined ? undefined : Number(kib) * BYTES_PER_KIB
}

/** "some ... total=" of /proc/pressure/<resource>, in seconds; 0 on kernels without it. */
function readStalledSeconds(resource: string): number {
  const total = /^some .*total=(\d+)$/m.exec(readProcFile(`/proc/pressure/${resource}`) ?? '')?.[1]
  return Number(total ?? 0) / MICROSECONDS_PER_SECOND
}
