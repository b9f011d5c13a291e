import { createHash, randomBytes } from 'node:crypto'
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CATALOG, SERVICE_NAMES, type ServiceName } from '#catalog'
import { prepareHome, readConfiguration, stateHome, writeBootstrapSecrets } from '#ops/state-home.ts'
import { writeWhole } from '#ops/write-whole.ts'

export interface PrepareOptions {
  readonly repo: string
  /** Holds config and one state folder per service; each service later sees only its own. */
  readonly root: string
}

const KEY_BYTES = 32
const PUBLIC = ['api-gateway', 'pipecat'] as const

/**
 * What the supervisor does before a start, for compose: the operator's key, an API key (services that other machines
 * can reach need one), bootstrap secrets and the addresses of the neighbours. Each service gets a state folder with its
 * own secret; eva-os, which checks them, gets them all. Safe to repeat: what exists stays, secrets are renewed.
 */
export function prepareForCompose({ repo, root }: PrepareOptions): void {
  const shared = stateHome(join(root, 'shared'))
  prepareHome({ home: shared.home, repo })
  writeBootstrapSecrets(shared)
  const apiKeyFile = join(shared.config, 'api.key')
  if (!existsSync(apiKeyFile)) writeWhole(apiKeyFile, randomBytes(KEY_BYTES).toString('base64url'), 0o600)
  const configuration = { ...readConfiguration(shared), ...networkSettings(readFileSync(apiKeyFile, 'utf8')) }
  writeWhole(join(shared.config, 'sonia.json'), `${JSON.stringify(configuration, null, 2)}\n`, 0o600)
  for (const service of SERVICE_NAMES) prepareService(service, join(root, service), shared)
}

function networkSettings(apiKey: string): object {
  const sha256 = createHash('sha256').update(apiKey.trim()).digest('hex')
  return {
    bind: '0.0.0.0',
    hosts: Object.fromEntries(SERVICE_NAMES.map((name) => [name, name])),
    allowed_hosts: PUBLIC.flatMap((name) => [name, `${name}:${CATALOG[name].port}`]),
    api_keys: [{ name: 'compose', sha256 }],
  }
}

/** Only eva-os may know the operator's key and the secrets of the others. */
function prepareService(service: ServiceName, home: string, shared: ReturnType<typeof stateHome>): void {
  const own = stateHome(home)
  const secrets = join(own.run, 'secrets')
  for (const folder of [own.config, own.data, own.logs, own.run, own.sandbox, secrets]) {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    chmodSync(folder, 0o700)
  }
  const isIssuer = service === 'eva-os'
  const kept = (path: string) => isIssuer || !/\/(?:operator|api)\.key$/.test(path)
  cpSync(shared.config, own.config, { recursive: true, filter: kept })
  for (const name of SERVICE_NAMES)
    if (isIssuer || name === service) cpSync(join(shared.run, 'secrets', name), join(secrets, name))
}
