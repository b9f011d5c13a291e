import { build, type Plugin } from 'esbuild'
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { PACKED_INDEX, type PackedIndex } from '../otel/packed-packages.ts'

/** What services and their telemetry import from npm. Native code and what is loaded on demand stays as installed. */
export const PACKED = [
  '@fastify/rate-limit',
  '@fastify/under-pressure',
  '@fastify/websocket',
  '@opentelemetry/api',
  '@opentelemetry/context-async-hooks',
  '@opentelemetry/core',
  '@opentelemetry/exporter-prometheus',
  '@opentelemetry/exporter-trace-otlp-http',
  '@opentelemetry/resources',
  '@opentelemetry/sdk-node',
  'ajv',
  'canonicalize',
  'cockatiel',
  'eventsource-parser',
  'fastify',
  'jose',
  'pino',
  'prom-client',
  'typebox',
  'typebox/compile',
  'typebox/value',
  'undici',
  'ws',
] as const

/** Imported by services, and not packed. */
export const AS_INSTALLED = ['@fastify/swagger', 'better-sqlite3', 'playwright-core'] as const

/**
 * Parts of `@opentelemetry/sdk-node` for configurations that we do not use: gRPC, Zipkin, configuration files. They are
 * half of its code. Calling one throws.
 */
const LEFT_OUT = /^@opentelemetry\/(configuration|exporter-zipkin|otlp-grpc-exporter-base|exporter-.*-grpc)$/

/**
 * Parts of undici that nothing here calls, as its index asks for them: what a browser has (fetch, WebSocket, EventSource,
 * caches, cookies) and what stands in for a server. Forms stay, speech sends them.
 */
const LEFT_OUT_OF_UNDICI: ReadonlySet<string> = new Set([
  ...['mock-client', 'mock-call-history', 'mock-agent', 'mock-pool', 'snapshot-agent'].map(
    (part) => `./lib/mock/${part}`,
  ),
  ...['cache', 'dns', 'decompress', 'deduplicate'].map((part) => `./lib/interceptor/${part}`),
  ...['memory-cache-store', 'sqlite-cache-store'].map((part) => `./lib/cache/${part}`),
  ...['', '/headers', '/response', '/request'].map((part) => `./lib/web/fetch${part}`),
  ...['cache/cachestorage', 'cookies', 'eventsource/eventsource'].map((part) => `./lib/web/${part}`),
  ...['events', 'websocket', 'stream/websocketstream', 'stream/websocketerror'].map(
    (part) => `./lib/web/websocket/${part}`,
  ),
])
const UNDICI_INDEX = /[\\/]undici[\\/]index\.js$/

/** Writes the packed packages into `folder`, whole or not at all. */
export async function packPackages(repo: string, folder: string): Promise<void> {
  mkdirSync(dirname(folder), { recursive: true })
  const work = mkdtempSync(`${folder}-`)
  try {
    const names = PACKED.map((specifier) => [specifier, `${specifier.replaceAll(/[@/]/g, '_')}.mjs`] as const)
    await build({
      entryPoints: names.map(([specifier, file]) => ({ in: `entry:${specifier}`, out: file.slice(0, -4) })),
      absWorkingDir: repo,
      outdir: work,
      outExtension: { '.js': '.mjs' },
      bundle: true,
      splitting: true,
      platform: 'node',
      target: 'node24',
      format: 'esm',
      minifyWhitespace: true,
      legalComments: 'none',
      // undici's own name for a build that has one parser of HTTP/1 and not its experimental second one.
      define: { esbuildDetection: 'true' },
      logLevel: 'silent',
      // Packages in CommonJS ask for Node's own modules by require, which a module does not have.
      banner: { js: "import{createRequire as __c}from'node:module';const require=__c(import.meta.url);" },
      plugins: [entries(repo), leaveOut(repo), leaveOutOfUndici(), requireHttp()],
    })
    const index: PackedIndex = Object.fromEntries(names)
    writeFileSync(join(work, PACKED_INDEX), JSON.stringify(index))
    renameSync(work, folder)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

const ENTRY = /^entry:/

/** An entry hands on exactly the names that Node itself sees, which of a CommonJS package a bundler cannot know. */
function entries(repo: string): Plugin {
  return {
    name: 'entries',
    setup(packing) {
      // By this ending, imports of CommonJS mean what they mean to Node: the default is module.exports.
      packing.onResolve({ filter: ENTRY }, ({ path }) => ({ path: `${path}.mjs`, namespace: 'entry' }))
      packing.onLoad({ filter: ENTRY, namespace: 'entry' }, async ({ path }) => {
        const specifier = path.replace(ENTRY, '').replace(/\.mjs$/, '')
        const names = await exportsOf(specifier, repo)
        return { contents: `export { ${names.join(', ')} } from '${specifier}'`, resolveDir: repo }
      })
    },
  }
}

function leaveOut(repo: string): Plugin {
  return {
    name: 'leave out',
    setup(packing) {
      packing.onResolve({ filter: LEFT_OUT }, ({ path }) => ({ path, namespace: 'left-out' }))
      packing.onLoad({ filter: /.*/, namespace: 'left-out' }, async ({ path }) => {
        const names = (await exportsOf(path, repo)).filter((name) => name !== 'default')
        return {
          contents: [
            `function leftOut() { throw new Error(${JSON.stringify(`${path} is not among the packed packages`)}) }`,
            ...names.map((name) => `export { leftOut as ${name} }`),
          ].join('\n'),
        }
      })
    },
  }
}

/** In the place of a part: whatever it hands out can be made, as undici makes its caches when it is loaded, and not used. */
const UNUSABLE = `
const refuse = () => { throw new Error('this part of undici is not among the packed packages') }
const unusable = new Proxy({}, { get: refuse })
module.exports = new Proxy(function () { return unusable }, { get: (itself) => itself })
`

function leaveOutOfUndici(): Plugin {
  return {
    name: 'leave out of undici',
    setup(packing) {
      packing.onResolve({ filter: /^\.\/lib\// }, ({ path, importer }) =>
        UNDICI_INDEX.test(importer) && LEFT_OUT_OF_UNDICI.has(path)
          ? { path: 'unusable', namespace: 'unusable' }
          : undefined,
      )
      packing.onLoad({ filter: /.*/, namespace: 'unusable' }, () => ({ contents: UNUSABLE }))
    },
  }
}

/**
 * Importing `http` as a module reads every name that it exports, and one of them loads Node's own undici: 4 MB and 40 ms
 * per service that nothing uses. Asking for it by `require` does not.
 */
function requireHttp(): Plugin {
  return {
    name: 'require http',
    setup(packing) {
      packing.onResolve({ filter: /^(node:)?https?$/ }, ({ path, kind }) =>
        kind === 'import-statement' ? { path, namespace: 'builtin' } : { path, external: true },
      )
      packing.onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({
        contents: `module.exports = require('${path}')`,
      }))
    },
  }
}

async function exportsOf(specifier: string, repo: string): Promise<string[]> {
  const url = import.meta.resolve(specifier, pathToFileURL(join(repo, 'package.json')).href)
  return Object.keys((await import(url)) as object).filter((name) => /^[\w$]+$/.test(name))
}
