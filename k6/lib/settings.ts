import { CATALOG, DEFAULT_PORT_BASE, portAt } from '../../services/catalog.ts'

/** What a run passes with `k6 run -e NAME=value`; each has a default for a run by hand against `./sonia up`. */
export interface SoakSettings {
  readonly gatewayUrl: string
  readonly voiceUrl: string
  readonly voiceSocketUrl: string
  /** Address of the page that browser.open loads; its origin must be allowed by policy. Empty: browser.open is left out. */
  readonly pageUrl: string
  readonly apiKey: string
  readonly durationSeconds: number
  readonly chatPerMinute: number
  readonly actionPerMinute: number
  readonly voicePerMinute: number
  /** Goes into every correlation id, so that the traffic of one run can be told from another's. */
  readonly runMark: string
}

export function readSettings(env: Readonly<Record<string, string>>): SoakSettings {
  const portBase = numberOf(env['PORT_BASE'], DEFAULT_PORT_BASE)
  const origin = (service: 'api-gateway' | 'pipecat', scheme: string) =>
    `${scheme}://127.0.0.1:${portAt(CATALOG[service].port, portBase)}`
  return {
    gatewayUrl: env['GATEWAY_URL'] ?? origin('api-gateway', 'http'),
    voiceUrl: env['VOICE_URL'] ?? origin('pipecat', 'http'),
    voiceSocketUrl: env['VOICE_SOCKET_URL'] ?? origin('pipecat', 'ws'),
    pageUrl: env['PAGE_URL'] ?? '',
    apiKey: env['API_KEY'] ?? '',
    durationSeconds: numberOf(env['DURATION_SECONDS'], 60),
    chatPerMinute: numberOf(env['CHAT_PER_MINUTE'], 60),
    actionPerMinute: numberOf(env['ACTION_PER_MINUTE'], 30),
    voicePerMinute: numberOf(env['VOICE_PER_MINUTE'], 5),
    runMark: env['RUN_MARK'] ?? 'byhand',
  }
}

function numberOf(text: string | undefined, fallback: number): number {
  if (text === undefined || text === '') return fallback
  const value = Number(text)
  if (!Number.isFinite(value) || value < 0) throw new Error(`"${text}" is not a number of 0 or more`)
  return value
}
