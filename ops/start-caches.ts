import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, globSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
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
const FILLING_MAIN = fileURLToPath(new URL('fill-compile-cache-main.ts', import.meta.url))
/** Holds the key of what the compiled code was filled with; code of another version takes the same places. */
const STAMP = 'filled'

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
 * Fills the caches once per version, in processes of their own. Node writes its compile cache when a process exits: six
 * services that find none would spend seconds on hundreds of small files in the middle of their stop, and until then
 * each of them would hold what strips the types. A cache that cannot be written is no reason not to start.
 */
export async function fillStartCaches(
  repo: string,
  host: OpsHost,
  { compiled, packages }: StartCaches = startCaches(repo),
): Promise<void> {
  const stamp = join(compiled, STAMP)
  const version = versionOf(repo)
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === version) return
  const env = {
    ...host.env,
    NODE_COMPILE_CACHE: compiled,
    SONIA_PACKAGES: packages,
    NODE_OPTIONS: undefined,
    NODE_TEST_CONTEXT: undefined,
  }
  try {
    mkdirSync(compiled, { recursive: true })
    if (!existsSync(packages)) await run([PACKING_MAIN, repo, packages], repo, env)
    await run(fillingOf(repo), repo, env)
    writeWhole(stamp, version, 0o600)
  } catch {
    // The services start without them, a second later.
  }
}

/** Of the packages and of every source of a service and its telemetry. */
function versionOf(repo: string): string {
  const version = createHash('sha256').update(keyOf(repo))
  for (const path of globSync(['services/**/*.ts', 'otel/*.ts'], { cwd: repo }).toSorted())
    version.update(path).update(readFileSync(join(repo, path)))
  return version.digest('hex')
}

/** The packages depend on the lock file, on what packs them, and on the Node that told their exports. */
function keyOf(repo: string): string {
  const lock = readFileSync(join(repo, 'package-lock.json'))
  const key = createHash('sha256').update([process.version, ...SERVICE_NODE_FLAGS].join(' '))
  key.update(lock).update(readFileSync(PACKING))
  return key.digest('hex').slice(0, 16)
}

/** With the flags of the services: other flags mean other code. */
function fillingOf(repo: string): readonly string[] {
  return [...SERVICE_NODE_FLAGS, '--import', join(repo, 'otel', 'register.ts'), FILLING_MAIN, repo]
}

function run(args: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Promise<void> {
  const limits = { timeout: FILL_TIMEOUT_MS, killSignal: 'SIGKILL' } as const
  const child = spawn(process.execPath, [...args], { cwd, env, stdio: 'ignore', ...limits })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => (code === 0 ? resolve() : reject(new Error(`ended with code ${code}`))))
  })
}
