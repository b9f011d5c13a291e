import { join } from 'node:path'
import { type Static, Type } from 'typebox'
import { Clone, Default, Errors } from 'typebox/value'
import { OPS_EXIT, OpsError } from '../ops-error.ts'
import { readConfiguration, stateHome } from '../state-home.ts'
import { DEFAULT_RETENTION, type RetentionRule } from './retention.ts'

const Section = Type.Object(
  {
    /** Where backups are kept; `backups/` of the state folder unless said otherwise. */
    folder: Type.Optional(Type.String({ minLength: 1 })),
    /** Another disk that gets a copy of each. */
    second_folder: Type.Optional(Type.String({ minLength: 1 })),
    /** Minutes between scheduled backups: less than the 6 h that may be lost, so that copy and check fit inside. */
    every_minutes: Type.Integer({ minimum: 1, default: 330 }),
    keep_hourly: Type.Integer({ minimum: 1, default: DEFAULT_RETENTION.hourly }),
    keep_daily: Type.Integer({ minimum: 0, default: DEFAULT_RETENTION.daily }),
    keep_weekly: Type.Integer({ minimum: 0, default: DEFAULT_RETENTION.weekly }),
  },
  { additionalProperties: false },
)

export interface BackupSettings {
  readonly folder: string
  readonly secondFolder: string | undefined
  readonly everyMinutes: number
  readonly retention: RetentionRule
}

/** Section `backup` of config/sonia.json, with its defaults; all problems at once. */
export function backupSettings(home: string): BackupSettings {
  const folders = stateHome(home)
  const section = sectionOf(readConfiguration(folders))
  const problems = problemsOf(section)
  if (problems.length > 0) {
    throw new OpsError(OPS_EXIT.badInput, `${join(folders.config, 'sonia.json')}: ${problems.join('; ')}`, {
      hint: 'docs/durability.md lists the settings of backups',
    })
  }
  return {
    folder: section.folder ?? folders.backups,
    secondFolder: section.second_folder,
    everyMinutes: section.every_minutes,
    retention: { hourly: section.keep_hourly, daily: section.keep_daily, weekly: section.keep_weekly },
  }
}

export function backupProblems(configuration: Readonly<Record<string, unknown>>): readonly string[] {
  return problemsOf(sectionOf(configuration))
}

/** With its defaults, and not yet judged. */
function sectionOf(configuration: Readonly<Record<string, unknown>>): Static<typeof Section> {
  return Default(Section, Clone(configuration['backup'] ?? {})) as Static<typeof Section>
}

function problemsOf(section: unknown): readonly string[] {
  return Errors(Section, section)
    .filter(({ keyword }) => keyword !== 'boolean')
    .map(({ instancePath, message, params }) => {
      const unknown = (params as { additionalProperties?: readonly string[] }).additionalProperties
      return `backup${instancePath} ${unknown === undefined ? message : `has no setting ${unknown.join(', ')}`}`
    })
}

/** Where a restore looks for backups: also while the configuration is what has to be restored. */
export function folderToRestoreFrom(home: string): string {
  try {
    return backupSettings(home).folder
  } catch (error) {
    if (error instanceof OpsError) return stateHome(home).backups
    throw error
  }
}
