import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { backupProblems } from '../../backup/backup-settings.ts'
import { type SecretReference, readSoniaJson, secretReferences, textSettings } from '../configuration.ts'
import type { PreflightOptions } from '../options.ts'
import { type Check, type Finding, problem } from '../report.ts'

const PLACE = 'config/sonia.json'
const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost'])
const PLACEHOLDER =
  /^(?:<.*>|\{\{.*\}\}|change[-_ ]?me|replace[-_ ]?me|to[-_ ]?do|tbd|fix[-_ ]?me|x{3,}|\.{3}|your[-_ ].*|(?:my|some|the)[-_](?:key|token|secret|password))$/i

/**
 * Every setting is one that its reader takes, what the configuration refers to exists, nothing was left to be filled in,
 * and an open bind has a lock: all that is wrong at once.
 */
export function settingsCheck(options: PreflightOptions): Check {
  return {
    id: 'settings',
    title: 'required settings are there, and none is a placeholder',
    async run() {
      const config = readSoniaJson(options)
      if (config === undefined) return { notApplicable: 'there is no config/sonia.json yet: defaults hold' }
      if (typeof config !== 'object' || config === null || Array.isArray(config)) {
        return { looked: PLACE, findings: [problem('is not a JSON object', PLACE)] }
      }
      const settings = [...textSettings(config)]
      const references = secretReferences(config)
      return {
        looked: `${settings.length} text settings, ${references.length} references`,
        findings: [
          ...settings
            .filter(({ value }) => value === '' || PLACEHOLDER.test(value.trim()))
            .map(({ place }) => problem(`${place} was left to be filled in`, PLACE)),
          ...references.flatMap((reference) => absent(reference, options)),
          ...openBind(config as Record<string, unknown>),
          ...(await refusedBy(options)),
          ...backupProblems(config as Record<string, unknown>).map((message) => problem(message, PLACE)),
        ],
      }
    },
  }
}

function absent({ place, kind, where }: SecretReference, { host }: PreflightOptions): readonly Finding[] {
  const isThere = kind === 'env' ? (host.env[where] ?? '') !== '' : isFilled(where)
  return isThere ? [] : [problem(`${place} refers to ${kind}:${where}, which is absent or empty`, PLACE)]
}

function isFilled(path: string): boolean {
  try {
    return readFileSync(path, 'utf8').trim() !== ''
  } catch {
    return false
  }
}

const SERVICES_LOOK = fileURLToPath(new URL('../../../services/configuration-main.ts', import.meta.url))
const SERVICES_LOOK_MS = 30_000
/** Told in our own words. */
const OPEN_BIND = /^sonia\.json\/bind: .* is open to other machines/

/** What the services will say of their sections; only they know what they take. */
async function refusedBy({ folders, host }: PreflightOptions): Promise<readonly Finding[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [SERVICES_LOOK, folders.home], {
    env: { PATH: host.env['PATH'] ?? '' },
    timeout: SERVICES_LOOK_MS,
  })
  const problems = JSON.parse(stdout) as readonly string[]
  return problems
    .filter((message) => !OPEN_BIND.test(message))
    .map((message) => problem(message.replace(/^sonia\.json[/:]? ?/, ''), PLACE))
}

/** The services refuse it too; here it is said before anything starts. */
function openBind(config: Readonly<Record<string, unknown>>): readonly Finding[] {
  const { bind, api_keys: apiKeys } = config
  const isOpen = typeof bind === 'string' && !LOOPBACK.has(bind)
  const isLocked = Array.isArray(apiKeys) && apiKeys.length > 0
  return isOpen && !isLocked ? [problem(`bind is ${bind}, but there are no api_keys`, PLACE)] : []
}
