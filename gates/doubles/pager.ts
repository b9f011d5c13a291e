import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Pager, PagerNotice } from '#ops/drills/pager.ts'

export interface PagerOptions {
  /** 0 asks for any free port. */
  readonly port: number
  /** Monotonic milliseconds. */
  readonly nowMs: () => number
}

/** The part of Alertmanager's webhook body that is kept. */
interface WebhookBody {
  readonly receiver: string
  readonly alerts: readonly {
    readonly status: 'firing' | 'resolved'
    readonly labels: Readonly<Record<string, string>>
    readonly annotations: Readonly<Record<string, string>>
  }[]
}

const BODY_BYTES_MAX = 1_024 * 1_024

/** A receiver of Alertmanager's webhooks that keeps what it was told and can refuse on demand. */
export async function startPager(options: PagerOptions): Promise<Pager> {
  const notices: PagerNotice[] = []
  const failures = new Map<string, number>()
  const counts = { refusals: 0 }
  const server = createServer((req, res) => {
    const path = req.url ?? '/'
    const left = failures.get(path) ?? 0
    if (left > 0) {
      failures.set(path, left - 1)
      counts.refusals += 1
      res.writeHead(500).end()
      return
    }
    void receive(req, res, options.nowMs).then((found) => notices.push(...found))
  })
  await new Promise<void>((resolve) => server.listen(options.port, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    notices,
    get refusals() {
      return counts.refusals
    },
    failNext: (path, times) => void failures.set(path, times),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function receive(
  req: IncomingMessage,
  res: ServerResponse,
  nowMs: () => number,
): Promise<readonly PagerNotice[]> {
  const body = await readBody(req)
  if (body === undefined) {
    res.writeHead(400).end()
    return []
  }
  res.writeHead(200).end()
  return body.alerts.map(({ status, labels, annotations }) => ({
    receiver: body.receiver,
    alert: labels['alertname'] ?? '',
    severity: labels['severity'] ?? '',
    service: labels['service'] ?? '',
    status,
    annotations,
    atMs: nowMs(),
  }))
}

async function readBody(req: IncomingMessage): Promise<WebhookBody | undefined> {
  try {
    let text = ''
    for await (const chunk of req.setEncoding('utf8')) {
      text += String(chunk)
      if (text.length > BODY_BYTES_MAX) return undefined
    }
    const body = JSON.parse(text) as WebhookBody
    return Array.isArray(body.alerts) ? body : undefined
  } catch {
    return undefined
  }
}
