import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Static, type TObject, Type } from 'typebox'
import { Clone, Default, Errors } from 'typebox/value'
import { SERVICE_NAMES, type ServiceName } from '#catalog'

const SHARED_SCHEMA = Type.Object(
  {
    bind: Type.String({ default: '127.0.0.1', minLength: 1 }),
    log_level: Type.Enum(['DEBUG', 'INFO', 'WARN', 'ERROR'], { default: 'INFO' }),
    log_content: Type.Boolean({ default: false }),
    sandbox_root: Type.Optional(Type.String({ minLength: 1 })),
    api_keys: Type.Array(
      Type.Object(
        {
          name: Type.String({ pattern: '^[a-z0-9_-]{1,32}$' }),
          sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
        },
        { additionalProperties: false },
      ),
      { default: [] },
    ),
    allowed_hosts: Type.Array(Type.String({ minLength: 1 }), { default: [] }),
    allowed_origins: Type.Array(Type.String({ minLength: 1 }), { default: [] }),
    /** Host names of neighbours that are not on this machine (compose). */
    hosts: Type.Record(Type.String(), Type.String({ minLength: 1 }), { default: {} }),
    /** How late the event loop may be before work of a priority is refused. */
    shed_after_ms: Type.Object(
      {
        background: Type.Integer({ minimum: 1, default: 250 }),
        normal: Type.Integer({ minimum: 1, default: 600 }),
        high: Type.Integer({ minimum: 1, default: 2000 }),
      },
      { additionalProperties: false, default: {} },
    ),
    services: Type.Record(Type.String(), Type.Unknown(), { default: {} }),
    /** Sections that the supervisor reads and judges. */
    backup: Type.Optional(Type.Unknown()),
    tls: Type.Optional(Type.Unknown()),
  },
  { additionalProperties: false },
)

export type SharedConfig = Static<typeof SHARED_SCHEMA>

/** What every service is told besides its own section. */
export interface SharedSettings {
  readonly bind: string
  readonly logLevel: SharedConfig['log_level']
  readonly logContent: boolean
  readonly sandboxRoot: string
  readonly runId: string
  readonly portBase: number
  readonly version: string
  readonly apiKeys: readonly { readonly name: string; readonly sha256: string }[]
  readonly allowedHosts: readonly string[]
  readonly allowedOrigins: readonly string[]
  readonly hosts: Readonly<Record<string, string>>
  readonly shedAfterMs: SharedConfig['shed_after_ms']
}

/** Every problem of the configuration at once, each with its place. */
export class ConfigError extends Error {
  readonly problems: readonly string[]
  constructor(problems: readonly string[]) {
    super(
      `The configuration has ${problems.length} problem(s):\n${problems.map((line) => `  ${line}`).join('\n')}`,
    )
    this.name = 'ConfigError'
    this.problems = problems
  }
}

export interface LoadedConfig<S extends TObject> {
  readonly shared: SharedConfig
  readonly service: Static<S>
}

/** Reads sonia.json, applies defaults, and refuses with all problems of the shared part and this service's section. */
export function loadConfig<S extends TObject>(
  source: { readonly home: string; readonly name: ServiceName; readonly override?: unknown },
  schema: S,
): LoadedConfig<S> {
  const raw = readConfigFile(join(source.home, 'config', 'sonia.json'))
  if (!isRecord(raw)) throw new ConfigError(['sonia.json must hold one JSON object'])
  const shared = Default(SHARED_SCHEMA, Clone(raw)) as SharedConfig
  const section = sectionOf(raw, source.name)
  const service = Default(schema, mergeSection(section, source.override))
  const problems = [
    ...problemsOf(SHARED_SCHEMA, shared, 'sonia.json'),
    ...problemsOf(schema, service, `sonia.json services["${source.name}"]`),
    ...unknownServices(shared),
    ...openBindProblems(shared),
  ]
  if (problems.length > 0) throw new ConfigError(problems)
  return { shared, service: service as Static<S> }
}

function readConfigFile(path: string): unknown {
  let text: string
  try {
    text = readPlainFile(path)
  } catch (error) {
    if (error instanceof ConfigError) throw error
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw new ConfigError([
      `sonia.json cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`,
    ])
  }
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new ConfigError([`sonia.json is not valid JSON: ${(error as Error).message}`])
  }
}

/** A pipe would be waited for without end; opened like this, it shows what it is at once. */
function readPlainFile(path: string): string {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    if (fstatSync(file).isFile()) return readFileSync(file, 'utf8')
    throw new ConfigError([`sonia.json is a pipe, a folder or a device, not a file: ${path}; move it away`])
  } finally {
    closeSync(file)
  }
}

function sectionOf(raw: unknown, name: ServiceName): unknown {
  const services = isRecord(raw) ? raw['services'] : undefined
  return (isRecord(services) ? services[name] : undefined) ?? {}
}

function mergeSection(section: unknown, override: unknown): unknown {
  const copy = Clone(section)
  return isRecord(copy) && isRecord(override) ? { ...copy, ...override } : copy
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function problemsOf(schema: TObject, value: unknown, where: string): string[] {
  // An unknown setting is told once by name; that its own schema is `false` says nothing more.
  return Errors(schema, value)
    .filter(({ keyword }) => keyword !== 'boolean')
    .map((problem) => `${where}${problem.instancePath}: ${describe(problem)}`)
}

function describe(problem: { keyword: string; message: string; params: object }): string {
  const { additionalProperties, allowedValues } = problem.params as {
    additionalProperties?: string[]
    allowedValues?: string[]
  }
  if (allowedValues !== undefined) return `must be one of ${allowedValues.join(', ')}`
  if (additionalProperties === undefined) return problem.message
  return `unknown setting ${additionalProperties.map((name) => `"${name}"`).join(', ')}`
}

/** A section under a misspelt name would be a setting, or a limit, that nobody reads. */
function unknownServices({ services }: SharedConfig): string[] {
  const known: readonly string[] = SERVICE_NAMES
  return Object.keys(isRecord(services) ? services : {})
    .filter((name) => !known.includes(name))
    .map((name) => `sonia.json services["${name}"]: there is no such service`)
}

const LOOPBACK = /^(127(\.\d{1,3}){3}|::1|localhost)$/

/** Without keys a service listens only where nobody but this machine can reach it. */
function openBindProblems(shared: SharedConfig): string[] {
  if (typeof shared.bind !== 'string' || LOOPBACK.test(shared.bind)) return []
  if (Array.isArray(shared.api_keys) && shared.api_keys.length > 0) return []
  return [`sonia.json/bind: "${shared.bind}" is open to other machines; configure api_keys first`]
}

/** The settings handed to a service, from the shared part and the surroundings of the run. */
export function sharedSettings(
  config: SharedConfig,
  run: { readonly home: string; readonly runId: string; readonly portBase: number; readonly version: string },
): SharedSettings {
  return {
    bind: config.bind,
    logLevel: config.log_level,
    logContent: config.log_content,
    sandboxRoot: resolve(run.home, config.sandbox_root ?? 'sandbox'),
    runId: run.runId,
    portBase: run.portBase,
    version: run.version,
    apiKeys: config.api_keys,
    allowedHosts: config.allowed_hosts,
    allowedOrigins: config.allowed_origins,
    hosts: config.hosts,
    shedAfterMs: config.shed_after_ms,
  }
}
