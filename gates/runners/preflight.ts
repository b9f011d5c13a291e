import { CATALOG, portAt, SERVICE_NAMES } from '#catalog'
import { soakProviderPort } from '../doubles/soak-provider.ts'
import { refuseTakenPorts } from '#ops/refuse-taken-ports.ts'
import { watchPorts } from '#ops/watch.ts'
import { checkParameters } from '../engine/check-parameters.ts'
import { loadCriteriaFolder } from '../engine/load-criteria.ts'
import { CliError, EXIT_CODES } from '../exit-codes.ts'
import { runParameters } from '../run-parameters.ts'
import { pagePort } from './page-server.ts'
import { readConfigurationSource } from './run-configuration.ts'
import type { GateRunOptions } from './run-gates.ts'

/** Refuses before anything starts: criteria that cannot be asked, a configuration that cannot be read, ports that are taken. */
export async function refuseBadStart(options: GateRunOptions): Promise<void> {
  const loaded = await loadCriteriaFolder(options.criteriaFolder)
  const missing = options.gates.filter((gate) => !loaded.some((one) => one.gate === gate))
  if (missing.length > 0) {
    throw new CliError(EXIT_CODES.badInput, `there are no criteria for: ${missing.join(', ')}`, {
      hint: `put ${missing.map((gate) => `${gate}.yaml`).join(', ')} into ${options.criteriaFolder}`,
    })
  }
  const selected = loaded.filter(({ gate }) => options.gates.includes(gate))
  checkParameters(selected, runParameters(options.profile))
  await readConfigurationSource(options.configurationSources)
  const services = SERVICE_NAMES.map((name) => portAt(CATALOG[name].port, options.portBase))
  const own = [pagePort(options.portBase), soakProviderPort(options.portBase)]
  refuseTakenPorts([...services, ...Object.values(watchPorts(options.portBase)), ...own])
}
