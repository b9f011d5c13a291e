import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { SERVICE_NAMES } from '#catalog'
import type { OpsHost } from './host.ts'
import { writeWhole } from './write-whole.ts'

/** Where compiled code of the services is kept; one for all state folders of a checkout. */
export function compileCacheFolder(repo: string): string {
  return join(repo, '.tools', 'compile-cache', 'services')
}

const FILL_TIMEOUT_MS = 120_000

/**
 * Fills the cache once per Node and lock file, in a process of its own. Node writes its compile cache when a process
 * exits: six services that find none would spend seconds on thousands of small files in the middle of their stop.
 * A cache that cannot be written is no reason not to start.
 */
export async function fillCompileCache(repo: string, host: OpsHost): Promise<void> {
  const folder = compileCacheFolder(repo)
  const stamp = join(folder, `filled-${keyOf(repo)}`)
  if (existsSync(stamp)) return
  try {
    mkdirSync(folder, { recursive: true })
    await importEverything(repo, { ...host.env, NODE_COMPILE_CACHE: folder })
    writeWhole(stamp, '', 0o600)
  } catch {
    // The services start without it, a second later.
  }
}

function keyOf(repo: string): string {
  const lock = readFileSync(join(repo, 'package-lock.json'))
  return createHash('sha256').update(process.version).update(lock).digest('hex').slice(0, 16)
}

function importEverything(repo: string, env: OpsHost['env']): Promise<void> {
  const modules = SERVICE_NAMES.map((name) => pathToFileURL(join(repo, 'services', name, 'service.ts')).href)
  const runService = pathToFileURL(join(repo, 'services', 'chassis', 'run-service.ts')).href
  const script = `await Promise.all(${JSON.stringify([runService, ...modules])}.map((url) => import(url))); process.exit()`
  const args = ['--import', join(repo, 'otel', 'register.ts'), '--input-type=module', '--eval', script]
  const child = spawn(process.execPath, args, {
    cwd: repo,
    env: { ...env, NODE_OPTIONS: undefined, NODE_TEST_CONTEXT: undefined },
    stdio: 'ignore',
    timeout: FILL_TIMEOUT_MS,
    killSignal: 'SIGKILL',
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => (code === 0 ? resolve() : reject(new Error(`ended with code ${code}`))))
  })
}
