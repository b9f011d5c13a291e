import { diskSpaceCheck } from './checks/disk-space.ts'
import { fileModesCheck } from './checks/file-modes.ts'
import { policiesCheck } from './checks/policies.ts'
import { portsCheck } from './checks/ports.ts'
import { secretChecks } from './checks/secrets.ts'
import { settingsCheck } from './checks/settings.ts'
import { tlsFilesCheck } from './checks/tls-files.ts'
import { versionsCheck } from './checks/versions.ts'
import type { PreflightOptions } from './options.ts'
import { type Check, type PreflightReport, reportOf, runCheck } from './report.ts'

/** Every check of the list, each with its outcome. Reads only; changes nothing, and never throws for a finding. */
export async function runPreflight(options: PreflightOptions): Promise<PreflightReport> {
  return reportOf(await Promise.all(preflightChecks(options).map(runCheck)))
}

export function preflightChecks(options: PreflightOptions): readonly Check[] {
  return [
    ...secretChecks(options),
    settingsCheck(options),
    fileModesCheck(options),
    policiesCheck(options),
    tlsFilesCheck(options),
    portsCheck(options),
    diskSpaceCheck(options),
    versionsCheck(options),
  ]
}
