import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { PACKED_INDEX, type PackedIndex } from '../otel/packed-packages.ts'
import { AS_INSTALLED, PACKED, packPackages } from './pack-packages.ts'

const repo = fileURLToPath(new URL('..', import.meta.url))
const parent = mkdtempSync(join(tmpdir(), 'sonia-packed-'))
const folder = join(parent, 'packages')
after(() => rmSync(parent, { recursive: true, force: true }))
before(() => packPackages(repo, folder))

test('packed packages that cannot be whole are not there at all', async () => {
  const elsewhere = join(parent, 'other', 'packages')
  await assert.rejects(packPackages(join(parent, 'no repository'), elsewhere))
  assert.equal(existsSync(elsewhere), false)
})

test('every packed package has the names and kinds of values of the installed one', async () => {
  const index = JSON.parse(readFileSync(join(folder, PACKED_INDEX), 'utf8')) as PackedIndex
  assert.deepEqual(Object.keys(index), [...PACKED])
  const installed = await kindsAsInstalled()
  for (const [specifier, file] of Object.entries(index)) {
    const packed = kindsOf(await import(pathToFileURL(join(folder, file)).href))
    assert.deepEqual(packed, installed[specifier], specifier)
  }
})

test('of undici its half for browsers and its second parser are left out, and say so when they are asked for', async () => {
  const file = join(folder, 'undici.mjs')
  const parts = readFileSync(file, 'utf8').match(/undici\/lib\/(mock|milo|cache|web)\/[\w-]+/g) ?? []
  assert.deepEqual([...new Set(parts)].toSorted(), [
    'undici/lib/mock/mock-errors',
    'undici/lib/web/fetch',
    'undici/lib/web/infra',
    'undici/lib/web/webidl',
  ])
  const undici = (await import(pathToFileURL(file).href)) as typeof import('undici')
  assert.throws(() => undici.caches.keys(), /not among the packed packages/)
})

test('every npm package that a service or its telemetry imports is packed, or named as left as installed', () => {
  const files = globSync(['services/**/*.ts', 'otel/*.ts'], { cwd: repo }).filter(
    (file) => !/\.test\.ts$|testing\.ts$|testing\/|fixtures\/|-main\.ts$/.test(file),
  )
  const known = new Set<string>([...PACKED, ...AS_INSTALLED])
  const imported = files.flatMap((file) =>
    importsOf(readFileSync(join(repo, file), 'utf8')).map((specifier) => `${specifier} in ${file}`),
  )
  assert.ok(imported.length > 50)
  assert.deepEqual(
    imported.filter((entry) => !known.has(entry.split(' ')[0] ?? '')),
    [],
  )
})

/** Asked of a process that has them as installed: this one may have them packed. */
async function kindsAsInstalled(): Promise<Record<string, unknown>> {
  const program = [
    kindsOf.toString(),
    `const modules = ${JSON.stringify(PACKED)}.map(async (name) => [name, kindsOf(await import(name))])`,
    'process.stdout.write(JSON.stringify(Object.fromEntries(await Promise.all(modules))))',
  ]
  const args = ['--input-type=module', '--eval', program.join('\n')]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: repo })
  return JSON.parse(stdout) as Record<string, unknown>
}

/** Bare specifiers of imports that exist when the program runs. */
function importsOf(source: string): string[] {
  const statements = /^(?:import|export)\s(?!type\s)[^'"]*?from '([^'#.][^']*)'|import\('([^'#.][^']*)'\)/gm
  return [...source.matchAll(statements)]
    .filter(([text]) => !/^import \{(\s*type [^,}]+,?)+\s*\} from/.test(text))
    .map((match) => match[1] ?? match[2] ?? '')
    .filter((specifier) => !specifier.startsWith('node:'))
}

function kindsOf(module: object): Record<string, string> {
  const entries = Object.entries(module).filter(([name]) => name !== 'module.exports')
  return Object.fromEntries(entries.map(([name, value]) => [name, typeof value]))
}
