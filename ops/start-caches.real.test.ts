import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { env, execPath } from 'node:process'
import { after, before, test } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { SERVICE_NAMES } from '#catalog'
import { SERVICE_NODE_FLAGS } from './service-memory.ts'
import { cacheEnvironment, fillStartCaches } from './start-caches.ts'

const repo = fileURLToPath(new URL('..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'sonia-start-caches-'))
const compiled = join(folder, 'compiled')
const packages = cacheEnvironment(repo)['SONIA_PACKAGES'] ?? ''
const host = { env, clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() } }
before(() => fillStartCaches(repo, host, { compiled, packages }))
after(() => rmSync(folder, { recursive: true, force: true }))

/** Imports modules with the flags of a service, and tells whether anything had to be stripped of its types. */
async function isStripped(paths: readonly string[], cache = compiled): Promise<boolean> {
  const urls = paths.map((path) => pathToFileURL(join(repo, path)).href)
  // A port base that is none: a service says so and ends, which is after all of it was loaded.
  const script = [
    `process.on('exit', () => console.log('stripped', process.moduleLoadList.some((name) => name.includes('amaro'))))`,
    `for (const url of ${JSON.stringify(urls)}) await import(url).catch(() => undefined)`,
  ].join('\n')
  const { stdout } = await promisify(execFile)(
    execPath,
    [
      ...SERVICE_NODE_FLAGS,
      '--import',
      join(repo, 'otel', 'register.ts'),
      '--input-type=module',
      '--eval',
      script,
    ],
    {
      env: {
        PATH: env['PATH'],
        NODE_COMPILE_CACHE: cache,
        SONIA_PACKAGES: packages,
        SONIA_HOME: folder,
        SONIA_PORT_BASE: 'none',
      },
    },
  ).catch((error: unknown) => error as { stdout: string })
  return /stripped (true|false)/.exec(stdout)?.[1] !== 'false'
}

test('without the cache types are stripped: the check can fail', async () => {
  assert.equal(await isStripped(['services/model-router/main.ts'], join(folder, 'empty')), true)
})

test('the very first start of a service strips no types: what strips them would stay in its memory', async () => {
  for (const name of SERVICE_NAMES) assert.equal(await isStripped([`services/${name}/main.ts`]), false, name)
})

test('nor do the threads of a service', async () => {
  const threads = globSync('services/**/*-worker.ts', { cwd: repo })
  assert.ok(threads.length > 0)
  assert.equal(await isStripped(threads), false)
})

test('the caches are filled again for another version, and only then', async () => {
  const stamp = join(compiled, 'filled')
  const filledAt = () => statSync(stamp, { bigint: true }).mtimeNs
  const first = filledAt()
  await fillStartCaches(repo, host, { compiled, packages })
  assert.equal(filledAt(), first)
  const version = readFileSync(stamp, 'utf8')
  writeFileSync(stamp, 'of another version')
  await fillStartCaches(repo, host, { compiled, packages })
  assert.equal(readFileSync(stamp, 'utf8'), version)
})
