/** The parts of a project that the rules are about, as compose-go prints it. */
export interface ComposeProject {
  readonly services: Readonly<Record<string, ComposeService>>
  readonly networks: Readonly<Record<string, unknown>>
  readonly volumes: Readonly<Record<string, unknown>>
  readonly 'x-never-pulled': readonly string[]
}

export interface ComposeService {
  readonly image?: string
  readonly profiles?: readonly string[]
  readonly user?: string
  readonly read_only?: boolean
  readonly cap_drop?: readonly string[]
  readonly privileged?: boolean
  readonly security_opt?: readonly string[]
  readonly restart?: string
  readonly stop_signal?: string
  readonly network_mode?: string
  readonly networks?: Readonly<Record<string, unknown>>
  readonly ports?: readonly { readonly host_ip?: string; readonly published?: string }[]
  readonly healthcheck?: { readonly disable?: boolean; readonly test?: readonly string[] }
  readonly volumes?: readonly {
    readonly type: string
    readonly source?: string
    readonly target: string
    readonly read_only?: boolean
  }[]
}

/** Started once, they end. */
const TASKS = new Set(['prepare', 'k6'])
const OWN_IMAGE = 'sonia:0.1.0'

/** What a service does against the rules of this stack. */
export function problemsOf(project: ComposeProject): readonly string[] {
  return [
    ...Object.entries(project.services).flatMap(([name, service]) =>
      problemsOfService(name, service).map((problem) => `${name} ${problem}`),
    ),
    ...unmarkedImages(project).map((image) => `${image} has neither a digest nor a mark`),
    ...(Object.keys(project.networks).length === 1 ? [] : ['there is not exactly one network']),
  ]
}

function problemsOfService(name: string, service: ComposeService): readonly string[] {
  const { image = '', user = 'root', security_opt: options = [], volumes = [] } = service
  const isTask = TASKS.has(name)
  const rules = [
    [/^(?:root|0)(?::|$)/.test(user), 'runs as root'],
    [service.read_only !== true, 'can write to its root'],
    [service.cap_drop?.includes('ALL') !== true, 'keeps capabilities'],
    [service.privileged === true, 'is privileged'],
    [!options.includes('no-new-privileges:true'), 'may gain privileges'],
    [!isTask && service.restart !== 'unless-stopped', 'is not started again'],
    [(service.profiles ?? []).length === 0, 'belongs to no profile'],
    [!/:[^:/]*\d/.test(image), 'has no pinned image'],
    [service.network_mode !== 'none' && !('sonia' in (service.networks ?? {})), 'is not on the network'],
    [(service.ports ?? []).some(({ host_ip: ip }) => ip !== '127.0.0.1'), 'has a port open beyond loopback'],
    [!isTask && service.healthcheck === undefined, 'says nothing about its health'],
    [
      volumes.some(({ type, read_only: isRead }) => type === 'bind' && isRead !== true),
      'may write to the checkout',
    ],
  ] as const
  return rules.filter(([isBroken]) => isBroken).map(([, what]) => what)
}

/** Tags move; what nobody pulled may not even exist. Both must be visible. */
function unmarkedImages(project: ComposeProject): readonly string[] {
  const marked = new Set(project['x-never-pulled'])
  return Object.values(project.services)
    .map(({ image = '' }) => image)
    .filter((image) => image !== OWN_IMAGE && !image.includes('@sha256:') && !marked.has(image))
}
