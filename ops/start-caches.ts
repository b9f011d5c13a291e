import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { SERVICE_NAMES } from '#catalog'
import type { OpsHost } from './host.ts'
import { SERVICE_NODE_FLAGS } from './service-memory.ts'
import { writeWhole } from './write-whole.ts'

/** What makes a start cheap; both are worth nothing more than time, and are filled once for all state folders. */
interface StartCaches {
  /** Compiled code. */
  readonly compiled: string
  /** Each npm package of the services in one file (pack-packages.ts). */
  readonly packages: string
}

const FILL_TIMEOUT_MS = 120_000
const PACKING = new URL('pack-packages.ts', import.meta.url)
const PACKING_MAIN = fileURLToPath(new URL('pack-packages-main.ts', import.meta.url))

function startCaches(repo: string): StartCaches {
  return {
    compiled: join(repo, '.tools', 'compile-cache', 'services'),
    packages: join(repo, '.tools', 'packed', keyOf(repo)),
  }
}

/** Tells a service where the caches are. */
export function cacheEnvironment(repo: string): Readonly<Record<string, string>> {
  const { compiled, packages } = startCaches(repo)
  return { NODE_COMPILE_CACHE: compiled, SONIA_PACKAGES: packages }
}

/**
 * Fills the caches once per Node and lock file, in processes of their own. Node writes its compile cache when a process
 * exits: six services that find none would spend seconds on hundreds of small files in the middle of their stop.
 * A cache that cannot be written is no reason not to start.
 */
export async function fillStartCaches(repo: string, host: OpsHost): Promise<void> {
  const { compiled, packages } = startCaches(repo)
  const stamp = join(compiled, `filled-${keyOf(repo)}`)
  if (existsSync(stamp)) return
  const env = {
    ...host.env,
    ...cacheEnvironment(repo),
    NODE_OPTIONS: undefined,
    NODE_TEST_CONTEXT: undefined,
  }
  try {
    mkdirSync(compiled, { recursive: true })
    if (!existsSync(packages)) await run([PACKING_MAIN, repo, packages], repo, env)
    await run(importsOf(repo), repo, env)
    writeWhole(stamp, '', 0o600)
  } catch {
    // The services start without them, a second later.
  }
}

/** The packages depend on the lock file, on what packs them, and on the Node that told their exports. */
function keyOf(repo: string): string {
  const lock = readFileSync(join(repo, 'package-lock.json'))
  const key = createHash('sha256').update([process.version, ...SERVICE_NODE_FLAGS].join(' '))
  key.update(lock).update(readFileSync(PACKING))
  return key.digest('hex').slice(0, 16)
}

/** Imports everything that the services import, with their flags (other flags mean other code), and ends. */
function importsOf(repo: string): readonly string[] {
  const modules = SERVICE_NAMES.map((name) => pathToFileURL(join(repo, 'services', name, 'service.ts')).href)
  const runService = pathToFileURL(join(repo, 'services', 'chassis', 'run-service.ts')).href
  const script = `await Promise.all(${JSON.stringify([runService, ...modules])}.map((url) => import(url))); process.exit()`
  const preload = join(repo, 'otel', 'register.ts')
  return [...SERVICE_NODE_FLAGS, '--import', preload, '--input-type=module', '--eval', script]
}

function run(args: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Promise<void> {
  const limits = { timeout: FILL_TIMEOUT_MS, killSignal: 'SIGKILL' } as const
  const child = spawn(process.execPath, [...args], { cwd, env, stdio: 'ignore', ...limits })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => (code === 0 ? resolve() : reject(new Error(`ended with code ${code}`))))
  })
}
