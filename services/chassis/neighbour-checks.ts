import { request } from 'undici'
import { CATALOG, type ServiceName } from '#catalog'
import type { Health } from './health.ts'

/** /readyz asks each neighbour that the catalogue names whether it lives; liveness, or readiness would go in circles. */
export function addNeighbourChecks(
  name: ServiceName,
  health: Health,
  originOf: (to: ServiceName) => string,
): void {
  for (const neighbour of CATALOG[name].dependsOn) {
    health.addDependency(neighbour, async (signal) => {
      const { statusCode, body } = await request(`${originOf(neighbour)}/healthz`, { signal })
      await body.dump()
      if (statusCode !== 200) throw new Error(`${neighbour} answered ${statusCode}`)
    })
  }
}
