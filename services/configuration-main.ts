/**
 * Every problem of a state folder's sonia.json, in the shared part and in every service's section, as a JSON list:
 * configuration-main.ts <home>. A service by itself tells only of its own section, when it is started.
 */
import process from 'node:process'
import { ConfigError, loadConfig } from '#chassis/config.ts'
import { GatewayConfig } from './api-gateway/config.ts'
import { EvaOsConfig } from './eva-os/config.ts'
import { MEMORY_ENGINE_CONFIG } from './memory-engine/config.ts'
import { RouterConfig } from './model-router/config.ts'
import { openclawConfig } from './openclaw/config.ts'
import { VoiceConfig } from './pipecat/config.ts'

const home = process.argv[2] ?? ''
const reads = [
  () => loadConfig({ home, name: 'api-gateway' }, GatewayConfig),
  () => loadConfig({ home, name: 'model-router' }, RouterConfig),
  () => loadConfig({ home, name: 'memory-engine' }, MEMORY_ENGINE_CONFIG),
  () => loadConfig({ home, name: 'pipecat' }, VoiceConfig),
  () => loadConfig({ home, name: 'openclaw' }, openclawConfig),
  () => loadConfig({ home, name: 'eva-os' }, EvaOsConfig),
]

function problemsOf(read: () => unknown): readonly string[] {
  try {
    read()
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

process.stdout.write(JSON.stringify([...new Set(reads.flatMap(problemsOf))]))
