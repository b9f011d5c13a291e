import { globSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

// node fill-compile-cache-main.ts <repository>: imports every module of the services' processes and of their threads, and
// ends. Whatever is not in the cache then is stripped of its types by the process that wants it, and what strips types
// stays in memory: 20 MB of each process, for as long as it lives.
const [, , repo] = process.argv
if (repo === undefined) throw new Error('fill-compile-cache-main.ts <repository>')

/** The modules that start a service are loaded, and start none. */
const STARTS_NOTHING = 'data:text/javascript,export const runService = () => undefined'
registerHooks({
  resolve: (specifier, context, next) =>
    specifier.endsWith('/run-service.ts') && context.parentURL?.endsWith('/main.ts') === true
      ? { url: STARTS_NOTHING, shortCircuit: true }
      : next(specifier, context),
})

const modules = globSync(
  ['services/chassis/run-service.ts', 'services/*/main.ts', 'services/**/*-worker.ts'],
  { cwd: repo },
)
for (const path of modules) {
  // A thread's module finds that it is in no thread, and throws: it is compiled by then.
  await import(pathToFileURL(join(repo, path)).href).catch(() => undefined)
}
process.exit()
