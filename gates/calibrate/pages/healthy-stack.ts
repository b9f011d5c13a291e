import { SERVICE_NAMES } from '#catalog'
import type { Family } from '../histories/families.ts'
import { type Random, randomOf } from '../histories/random.ts'
import { historyOf } from '../judge-history.ts'

/** A series of promtool's unit tests, a value a minute; null where the scrape failed. */
export interface MinuteSeries {
  readonly series: string
  readonly values: readonly (number | null)[]
}

/** One stack of six services over two days, the memory of each a history of the family. */
export interface HealthyStack {
  readonly name: string
  readonly series: readonly MinuteSeries[]
}

export const STACK_SERVICES = SERVICE_NAMES.length
const MINUTES = 48 * 60
const REQUESTS_PER_MINUTE = 60
/** Of 1,000 requests one fails, and one takes longer than any threshold: a fifth of what the soak allows. */
const RARE = 0.001

/** Everything that the rules which page ask for, of a stack with which nothing is wrong. */
export function healthyStack(family: Family, seed: number, stack: number): HealthyStack {
  const random = randomOf(`${seed} pages ${family.id} ${stack}`)
  const services = SERVICE_NAMES.flatMap((service, index) => [
    memoryOf(service, historyOf(family, seed, stack * STACK_SERVICES + index)),
    ...processOf(service, random),
    ...requestsOf(service, random),
  ])
  return { name: `${family.id} ${stack}`, series: [...services, ...watchersOf()] }
}

function named(name: string, labels: string, at: (minute: number) => number | null): MinuteSeries {
  return { series: `${name}{${labels}}`, values: Array.from({ length: MINUTES }, (_, minute) => at(minute)) }
}

function memoryOf(service: string, history: readonly { readonly value: number }[]): MinuteSeries {
  return named('process_resident_memory_bytes', `job="sonia",service="${service}"`, (minute) => {
    const value = history[minute]?.value ?? Number.NaN
    return Number.isNaN(value) ? null : value
  })
}

/** Started with the history: its warm-up is part of it. */
function processOf(service: string, random: Random): readonly MinuteSeries[] {
  const labels = `job="sonia",service="${service}"`
  return [
    named('up', labels, () => 1),
    named('sonia_service_status', labels, () => 1),
    named('process_start_time_seconds', labels, () => 0),
    named('sonia_http_oldest_in_flight_seconds', labels, () => 2 * random.uniform()),
  ]
}

function requestsOf(service: string, random: Random): readonly MinuteSeries[] {
  const labels = `job="sonia",service="${service}",route="/v1/chat"`
  const totals = { ok: 0, failed: 0, fast: 0 }
  const minutes = Array.from({ length: MINUTES }, () => {
    const failed = rareOf(random)
    totals.failed += failed
    totals.ok += REQUESTS_PER_MINUTE - failed
    totals.fast += REQUESTS_PER_MINUTE - rareOf(random)
    return { ...totals }
  })
  const count = (code: string) => `${labels},code="${code}"`
  const name = 'sonia_http_request_duration_seconds'
  return [
    named(`${name}_count`, count('OK'), (minute) => minutes[minute]?.ok ?? null),
    named(`${name}_count`, count('UNAVAILABLE'), (minute) => minutes[minute]?.failed ?? null),
    named(`${name}_bucket`, `${count('OK')},le="5.0"`, (minute) => minutes[minute]?.fast ?? null),
  ]
}

function rareOf(random: Random): number {
  return Array.from({ length: REQUESTS_PER_MINUTE }, () => random.uniform()).filter((one) => one < RARE)
    .length
}

/** A backup an hour, each proven; half of the disk in use. */
function watchersOf(): readonly MinuteSeries[] {
  const ops = 'job="sonia-ops"'
  const lastHour = (minute: number) => 3600 * Math.floor(minute / 60)
  return [
    named('up', ops, () => 1),
    named('process_start_time_seconds', ops, () => 0),
    named('sonia_policy_valid', 'job="sonia",service="eva-os"', () => 1),
    named('sonia_disk_size_bytes', `${ops},path="home"`, () => 100e9),
    named('sonia_disk_free_bytes', `${ops},path="home"`, () => 50e9),
    named('sonia_backup_last_success_timestamp_seconds', ops, lastHour),
    named('sonia_backup_last_verified_timestamp_seconds', ops, lastHour),
    named('sonia_load_failed_responses', ops, (minute) => Math.floor(minute / 60)),
    named('sonia_load_error_budget_responses', ops, () => 864),
  ]
}
