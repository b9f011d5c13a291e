/**
 * How the services use memory: six heaps share a machine with Prometheus and with what people run. Left alone, V8 lets
 * the old generation grow to twice what lives. The young one grows while there is work and is given back within a minute
 * of quiet: held small it cost a quarter of all requests and saved nothing at rest (docs/performance.md).
 */
export const SERVICE_NODE_FLAGS: readonly string[] = [
  '--max-semi-space-size=16',
  '--initial-old-space-size=20',
  '--heap-growing-percent=40',
  '--v8-pool-size=1',
]

/** glibc keeps an arena per thread, and more of what was freed the more of it there was. */
export const SERVICE_MALLOC: Readonly<Record<string, string>> = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_TRIM_THRESHOLD_: '131072',
  MALLOC_MMAP_THRESHOLD_: '131072',
}
