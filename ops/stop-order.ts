import { CATALOG, SERVICE_NAMES, type ServiceName } from '#catalog'

/** Services that must have ended before this one is told to: those that depend on it. */
function dependentsOf(service: ServiceName): readonly ServiceName[] {
  return SERVICE_NAMES.filter((other) => CATALOG[other].dependsOn.includes(service))
}

/** Runs `stopOne` for every service, each as soon as all its dependents are done: callers first, called last. */
export async function inStopOrder<T>(
  services: readonly ServiceName[],
  stopOne: (service: ServiceName) => Promise<T>,
): Promise<readonly T[]> {
  const running = new Map<ServiceName, Promise<T>>()
  const stop = (service: ServiceName): Promise<T> => {
    const known = running.get(service)
    if (known !== undefined) return known
    const dependents = dependentsOf(service).filter((other) => services.includes(other))
    const done = Promise.all(dependents.map(stop)).then(() => stopOne(service))
    running.set(service, done)
    return done
  }
  return Promise.all(services.map(stop))
}
