import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { portAt, WATCH_PORTS } from '#catalog'
import { startUpstreamDouble } from '../doubles/upstream.ts'
import type { GateContext } from '../runners/gate-context.ts'
import { readConfigurationSource } from '../runners/run-configuration.ts'

/**
 * Lends the drill a provider of embeddings, so that the memories it loses or keeps have vectors too: the operator's
 * configuration, and beside it a provider on loopback that makes the same vector of the same text every time.
 */
export async function withEmbeddings<T>(
  context: GateContext,
  use: (context: GateContext) => Promise<T>,
): Promise<T> {
  const double = await startUpstreamDouble({ port: portAt(WATCH_PORTS.upstreamDouble, context.portBase) })
  try {
    const folder = join(context.home, 'durability', 'configuration')
    const base = await readConfigurationSource(context.configurationSources)
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await writeFile(join(folder, 'sonia.json'), JSON.stringify(extended(base, double.baseUrl)), {
      mode: 0o600,
    })
    return await use({ ...context, configurationSources: [folder] })
  } finally {
    await double.close()
  }
}

type Json = Readonly<Record<string, unknown>>

export function extended(base: Json, baseUrl: string): Json {
  const services = objectAt(base, 'services')
  const router = objectAt(services, 'model-router')
  const engine = objectAt(services, 'memory-engine')
  const models = [{ name: 'double', purpose: 'embeddings' }]
  const provider = { kind: 'openai', base_url: baseUrl, models }
  return {
    ...base,
    services: {
      ...services,
      'model-router': {
        ...router,
        providers: { ...objectAt(router, 'providers'), 'drill-embeddings': provider },
      },
      'memory-engine': { ...engine, embeddings: { enabled: true, model: 'double' } },
    },
  }
}

function objectAt(value: Json, key: string): Json {
  const found = value[key]
  return typeof found === 'object' && found !== null ? (found as Json) : {}
}
