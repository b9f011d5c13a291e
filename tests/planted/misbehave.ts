/**
 * Loaded into one real service before it starts (`--import`), makes it misbehave as PLANTED_MISBEHAVIOUR asks.
 * The service itself is the product's own; only its process is tampered with.
 */
import { spawn } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createRequire, syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { env } from 'node:process'

const http = createRequire(import.meta.url)('node:http') as typeof import('node:http')

const MISBEHAVIOURS: Readonly<Record<string, () => void>> = {
  'ignores-sigterm': () => {
    const on = process.on.bind(process)
    process.on('SIGTERM', () => undefined)
    process.on = ((name: string, listener: () => void) =>
      name === 'SIGTERM' ? process : on(name as 'exit', listener)) as typeof process.on
  },
  'leaves-a-grandchild': () => {
    spawn('sleep', ['300'], { detached: true, stdio: 'ignore' }).unref()
  },
  // Five of a hundred chats fail.
  'answers-500': () => answerInstead((url) => url.startsWith('/v1/chat'), 20),
  // One line that no parser takes, in a rotated file, and no request keeps the id it came with.
  'breaks-its-telemetry': () => {
    setTimeout(
      () => appendFileSync(join(env['SONIA_HOME'] ?? '', 'logs', 'openclaw.log.9'), 'not JSON\n'),
      2_000,
    ).unref()
    beforeRequests((request) => delete request.headers['x-correlation-id'])
  },
  // A disk that is never waited for, as where a library switches syncs off.
  'never-syncs': () => {
    alsoInThreads()
    tamperWithDatabases('pragma', (text) => text.replace(/synchronous = FULL/, 'synchronous = OFF'))
  },
  // An approval is said to be burned, and is not.
  'burns-nothing': () =>
    tamperWithDatabases('prepare', (text) =>
      text.replace(/SET status = 'redeemed', redeemed_at_ms = @atMs/, "SET reason = 'planted'"),
    ),
  'hides-its-metrics': () => answerInstead((url) => url.startsWith('/metrics'), 2),
}

MISBEHAVIOURS[env['PLANTED_MISBEHAVIOUR'] ?? '']?.()

/** Every n-th matching request gets a 500 before the service hears of it. */
function answerInstead(matches: (url: string) => boolean, every: number): void {
  const emit = Reflect.get(http.Server.prototype, 'emit') as (...args: unknown[]) => boolean
  let count = 0
  Reflect.set(http.Server.prototype, 'emit', function tampered(this: unknown, ...args: unknown[]): boolean {
    const [name, request, response] = args as [string, IncomingMessage, ServerResponse]
    if (name === 'request' && matches(request.url ?? '')) {
      count += 1
      if (count % every === 0) {
        response.writeHead(500, { 'content-type': 'application/json' })
        response.end('{"ok":false,"data":null,"error":{"code":"INTERNAL_ERROR","message":"planted"}}')
        return true
      }
    }
    return Reflect.apply(emit, this, args)
  })
}

/** Rewrites what every database of the process, its threads included, is told by this method. */
function tamperWithDatabases(method: 'pragma' | 'prepare', tamper: (text: string) => string): void {
  const { prototype } = createRequire(import.meta.url)('better-sqlite3') as { readonly prototype: object }
  const real = Reflect.get(prototype, method) as (...args: unknown[]) => unknown
  Reflect.set(prototype, method, function tampered(this: unknown, text: string, ...rest: unknown[]) {
    return Reflect.apply(real, this, [tamper(text), ...rest])
  })
}

/** Threads start without the options of their process: those of this one load this file as well. */
function alsoInThreads(): void {
  const threads = createRequire(import.meta.url)(
    'node:worker_threads',
  ) as typeof import('node:worker_threads')
  const { Worker } = threads
  Reflect.set(
    threads,
    'Worker',
    class extends Worker {
      constructor(file: string | URL, options?: ConstructorParameters<typeof Worker>[1]) {
        super(file, { ...options, execArgv: ['--import', import.meta.filename] })
      }
    },
  )
  syncBuiltinESMExports()
}

/** Tampers with every request before the service hears of it. */
function beforeRequests(tamper: (request: IncomingMessage) => void): void {
  const emit = Reflect.get(http.Server.prototype, 'emit') as (...args: unknown[]) => boolean
  Reflect.set(http.Server.prototype, 'emit', function tampered(this: unknown, ...args: unknown[]): boolean {
    const [name, request] = args as [string, IncomingMessage]
    if (name === 'request') tamper(request)
    return Reflect.apply(emit, this, args)
  })
}
