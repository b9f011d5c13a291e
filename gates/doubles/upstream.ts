import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { message, messagePieces, type MessagesRequest } from './anthropic-answers.ts'
import { fileOfForm, speech, transcription } from './audio-answers.ts'
import { type Delivery, deliverBody, deliverStream } from './deliver.ts'
import { embeddings } from './embedding-answers.ts'
import { createFaultPlan, type Fault, type FaultPlan, parseFaultRules } from './faults.ts'
import { completion, completionPieces, type WireRequest } from './openai-answers.ts'

/**
 * A model provider for tests and soaks: a real HTTP server with OpenAI's wire format (and Anthropic's), deterministic,
 * with faults on request. `PUT /double/faults` takes rules, `GET /double/state` says what it saw.
 */
export interface UpstreamDouble {
  readonly baseUrl: string
  readonly port: number
  readonly faults: FaultPlan
  readonly state: () => DoubleState
  close(): Promise<void>
}

interface DoubleState {
  readonly requests: number
  readonly completed: number
  /** Requests whose client left before the answer was complete. */
  readonly aborted: number
  readonly in_flight: number
  readonly connections: number
  /** The newest requests, oldest first. */
  readonly seen: readonly SeenRequest[]
}

interface SeenRequest {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
}

export interface DoubleOptions {
  readonly port?: number
  readonly tokenDelayMs?: number
}

const SEEN_MAX = 50
const BODY_BYTES_MAX = 32 << 20

export async function startUpstreamDouble(options: DoubleOptions = {}): Promise<UpstreamDouble> {
  const faults = createFaultPlan()
  const sightings = createSightings()

  const server = createServer({ keepAliveTimeout: 60_000 }, (req, res) => {
    void handle(req, res).catch(() => res.destroy())
  })
  server.on('connection', (socket) => sightings.connection(socket))

  async function handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const body = await readBody(req)
    const path = (req.url ?? '/').replace(/^\/v1(?=\/)/, '')
    if (path.startsWith('/double/')) return control(path, body, res)
    sightings.begin(res)
    const parsed = parseBody(req, body)
    sightings.remember({ path, headers: req.headers as Record<string, string>, body: parsed })
    const delivery = { res, signal: abortOf(res), tokenDelayMs: options.tokenDelayMs ?? 0 }
    await answer({ req, path, parsed, body, delivery })
  }

  function control(path: string, body: Buffer, res: ServerResponse): void {
    if (path === '/double/state') return sendJson(res, 200, sightings.state())
    if (path !== '/double/faults') return sendJson(res, 404, { error: 'no such control' })
    try {
      faults.set(parseFaultRules(JSON.parse(body.toString('utf8'))))
      sendJson(res, 200, { ok: true })
    } catch (error) {
      sendJson(res, 400, { error: (error as Error).message })
    }
  }

  async function answer(asked: Asked): Promise<void> {
    const model = (asked.parsed as { model?: string } | null)?.model ?? ''
    const found = answerFor(asked)
    if (found === null) return sendJson(asked.delivery.res, 404, { error: { message: 'no such route' } })
    await found(faults.take(model))
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    port,
    faults,
    state: sightings.state,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** What came by: counters, and the newest requests. */
function createSightings() {
  const counters = { requests: 0, completed: 0, aborted: 0, in_flight: 0, connections: 0 }
  const seen: SeenRequest[] = []
  return {
    state: (): DoubleState => ({ ...counters, seen: [...seen] }),
    connection(socket: Socket): void {
      counters.connections++
      socket.once('close', () => counters.connections--)
    },
    begin(res: ServerResponse): void {
      counters.requests++
      counters.in_flight++
      res.once('close', () => {
        counters.in_flight--
        if (res.writableFinished) counters.completed++
        else counters.aborted++
      })
    },
    remember(request: SeenRequest): void {
      seen.push(request)
      if (seen.length > SEEN_MAX) seen.shift()
    },
  }
}

interface Asked {
  readonly req: IncomingMessage
  readonly path: string
  readonly parsed: unknown
  readonly body: Buffer
  readonly delivery: Delivery
}

type Answer = (fault: Fault | null) => Promise<void>

function answerFor({ req, path, parsed, body, delivery }: Asked): Answer | null {
  const json =
    (value: unknown): Answer =>
    (fault) =>
      deliverBody(delivery, { type: 'application/json', bytes: Buffer.from(JSON.stringify(value)) }, fault)
  switch (path) {
    case '/chat/completions': {
      const request = parsed as WireRequest
      if (request.stream !== true) return json(completion(request))
      return (fault) => deliverStream(delivery, completionPieces(request), fault)
    }
    case '/messages': {
      const request = parsed as MessagesRequest
      if (request.stream !== true) return json(message(request))
      return (fault) => deliverStream(delivery, messagePieces(request), fault)
    }
    case '/embeddings':
      return json(embeddings(parsed as Parameters<typeof embeddings>[0]))
    case '/audio/transcriptions':
      return json(transcription(fileOfForm(req.headers['content-type'] ?? '', body) ?? Buffer.alloc(0)))
    case '/audio/speech':
      return (fault) => deliverBody(delivery, speech(parsed as Parameters<typeof speech>[0]), fault)
    case '/models':
      return json({
        object: 'list',
        data: [{ id: 'double', object: 'model', created: 0, owned_by: 'double' }],
      })
    default:
      return null
  }
}

function abortOf(res: ServerResponse): AbortSignal {
  const controller = new AbortController()
  res.once('close', () => controller.abort())
  return controller.signal
}

async function readBody(req: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of req as AsyncIterable<Buffer>) {
    bytes += piece.length
    if (bytes > BODY_BYTES_MAX) throw new Error('body is too large')
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

function parseBody(req: IncomingMessage, body: Buffer): unknown {
  const isJson = (req.headers['content-type'] ?? '').startsWith('application/json')
  return isJson && body.length > 0 ? (JSON.parse(body.toString('utf8')) as unknown) : null
}

function sendJson(res: ServerResponse, status: number, value: unknown): void {
  res.writeHead(status, { 'content-type': 'application/json' })
  res.end(JSON.stringify(value))
}
