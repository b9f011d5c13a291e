import { existsSync, lstatSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Errors } from 'typebox/value'
import { OPS_EXIT, OpsError } from '../ops-error.ts'
import {
  RECEIVER_NAMES,
  type ReceiverConfigs,
  type ReceiverName,
  type Receivers,
} from '../rendering/alertmanager-config.ts'
import { readPlainFile } from '../read-plain-file.ts'
import type { StateHome } from '../state-home.ts'
import { TARGET_KINDS, type Target } from './alerting-file.ts'

/** Name of the file in the state folder's config/. */
const ALERTING_FILE = 'alerting.json'

const OTHERS_ANY = 0o077

/** Receivers of config/alerting.json in Alertmanager's words; none without the file. Throws with all problems at once. */
export function readReceivers({ config, home }: Pick<StateHome, 'config' | 'home'>): Receivers {
  const path = join(config, ALERTING_FILE)
  if (!existsSync(path)) return {}
  const { targets, problems } = readTargets(readPlainFile(path).toString('utf8'))
  const all = [...problems, ...targets.flatMap((entry) => secretProblems(entry, home))]
  if (all.length > 0) {
    throw new OpsError(OPS_EXIT.badInput, `${path}: ${all.join('; ')}`, {
      hint: 'docs/operating.md shows each kind of receiver',
    })
  }
  const pairs = RECEIVER_NAMES.map((name) => {
    const own = targets.filter((entry) => entry.receiver === name)
    return [name, own.map(({ target }) => configsOf(target, home)).reduce(merged, {})] as const
  })
  return Object.fromEntries(pairs)
}

interface PlacedTarget {
  readonly receiver: ReceiverName
  readonly place: string
  readonly target: Target
}

interface Reading {
  readonly targets: readonly PlacedTarget[]
  readonly problems: readonly string[]
}

function readTargets(text: string): Reading {
  const file = parsed(text)
  if (file === undefined) return { targets: [], problems: ['is no JSON object'] }
  const unknown = Object.keys(file).filter((key) => !RECEIVER_NAMES.some((name) => name === key))
  const readings = RECEIVER_NAMES.map((name) => readReceiver(name, file[name] ?? []))
  return {
    targets: readings.flatMap(({ targets }) => targets),
    problems: [
      ...unknown.map((key) => `"${key}" is none of ${RECEIVER_NAMES.join(', ')}`),
      ...readings.flatMap(({ problems }) => problems),
    ],
  }
}

function readReceiver(receiver: ReceiverName, list: unknown): Reading {
  if (!Array.isArray(list)) return { targets: [], problems: [`${receiver} is no list`] }
  const looked = (list as readonly unknown[]).map((target, index) => {
    const place = `${receiver}[${index}]`
    return { receiver, place, target: target as Target, problems: targetProblems(target) }
  })
  return {
    targets: looked.filter(({ problems }) => problems.length === 0),
    problems: looked.flatMap(({ place, problems }) => problems.map((problem) => `${place}${problem}`)),
  }
}

function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value = JSON.parse(text) as unknown
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

/** What is shown never holds a value: it may be a secret that was written in the wrong place. */
function targetProblems(target: unknown): readonly string[] {
  const kind = (target as { kind?: unknown } | null)?.kind
  const schema = Object.entries(TARGET_KINDS).find(([name]) => name === kind)?.[1]
  if (schema === undefined) return [`.kind is none of ${Object.keys(TARGET_KINDS).join(', ')}`]
  return Errors(schema, target).map(({ instancePath, keyword, message }) => {
    const place = instancePath.replaceAll('/', '.')
    if (keyword === 'pattern' && isSecretPlace(instancePath)) return `${place} must be "file:<path>"`
    return `${place} ${message}`
  })
}

const SECRET_KEYS = ['bearer_token', 'password', 'routing_key', 'url'] as const
const isSecretPlace = (path: string) => SECRET_KEYS.some((key) => path.endsWith(`/${key}`))

function secretProblems({ place, target }: PlacedTarget, home: string): readonly string[] {
  return Object.entries(target).flatMap(([key, value]) => {
    if (typeof value !== 'string' || !value.startsWith('file:')) return []
    const problem = fileProblem(secretPath(value, home))
    return problem === undefined ? [] : [`${place}.${key}: ${value.slice('file:'.length)} ${problem}`]
  })
}

function fileProblem(path: string): string | undefined {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (stats === undefined) return 'does not exist'
  if (!stats.isFile()) return 'is no regular file'
  if ((stats.mode & OTHERS_ANY) !== 0) return 'can be read by others; chmod 600 it'
  return readFileSync(path, 'utf8').trim() === '' ? 'is empty' : undefined
}

function secretPath(reference: string, home: string): string {
  return resolve(home, reference.slice('file:'.length))
}

/** Several targets of one receiver stand in one list per kind. */
function merged(left: ReceiverConfigs, right: ReceiverConfigs): ReceiverConfigs {
  const kinds = new Set([...Object.keys(left), ...Object.keys(right)]) as ReadonlySet<keyof ReceiverConfigs>
  return Object.fromEntries([...kinds].map((kind) => [kind, [...(left[kind] ?? []), ...(right[kind] ?? [])]]))
}

const TEXT = '{{ range .Alerts }}{{ .Annotations.summary }}\n{{ .Annotations.runbook_url }}\n{{ end }}'
const TITLE = '[{{ .Status | toUpper }}] {{ .CommonLabels.alertname }} {{ .CommonLabels.service }}'

function configsOf(target: Target, home: string): ReceiverConfigs {
  const path = (reference: string) => secretPath(reference, home)
  const shared = { send_resolved: true }
  switch (target.kind) {
    case 'webhook': {
      const { url, bearer_token: token } = target
      const address = url.startsWith('file:') ? { url_file: path(url) } : { url }
      const authorization =
        token === undefined ? undefined : { type: 'Bearer', credentials_file: path(token) }
      const http = authorization === undefined ? {} : { http_config: { authorization } }
      return { webhook_configs: [{ ...shared, ...address, ...http }] }
    }
    case 'email': {
      const { to, from, smarthost, username, password, require_tls = true } = target
      const user = username === undefined ? {} : { auth_username: username }
      const secret = password === undefined ? {} : { auth_password_file: path(password) }
      return { email_configs: [{ ...shared, to, from, smarthost, require_tls, ...user, ...secret }] }
    }
    case 'slack': {
      const { url, channel } = target
      return { slack_configs: [{ ...shared, api_url_file: path(url), channel, title: TITLE, text: TEXT }] }
    }
    case 'pagerduty': {
      const { url, routing_key: key } = target
      const address = url === undefined ? {} : { url }
      return { pagerduty_configs: [{ ...shared, routing_key_file: path(key), ...address }] }
    }
  }
}
