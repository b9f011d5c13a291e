import { createServer } from 'node:http'
import { portAt } from '#catalog'

export interface PageServer {
  readonly url: string
  stop(): Promise<void>
}

const PAGE = `<!doctype html><html lang="en"><head><title>A page for the gates</title></head>
<body><h1>A page for the gates</h1><p>It is served by the run itself, so that browser.open needs no network.</p></body></html>`

const PAGE_PORT = 7097

/** Fixed for a port base: the run's configuration names it, and its digest must not change between runs. */
export function pagePort(portBase: number): number {
  return portAt(PAGE_PORT, portBase)
}

const FILL_BYTES = 3 * 1024 * 1024

function pageOf(asked: URLSearchParams): string {
  const [script, fill] = [asked.get('script'), asked.get('fill') ?? '']
  const filling = fill === '' ? '' : fill.repeat(FILL_BYTES / fill.length)
  return `${PAGE}${script === null ? '' : `<script>${script}</script>`}${filling}`
}

/**
 * The page that browser.open loads; its origin is the one address the run's policy adds. As the attacks of the corpus
 * need it, `?redirect=` leads elsewhere, `?script=` is run by the page, and `?fill=` is what megabytes of it are made of.
 */
export async function servePage(portBase: number): Promise<PageServer> {
  const server = createServer((request, response) => {
    const asked = new URL(request.url ?? '/', 'http://page.invalid').searchParams
    const target = asked.get('redirect')
    if (target !== null) {
      response.writeHead(302, { location: target }).end()
      return
    }
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(pageOf(asked))
  })
  server.listen(pagePort(portBase), '127.0.0.1')
  await new Promise<void>((resolve, reject) => {
    server.once('listening', resolve)
    server.once('error', reject)
  })
  return {
    url: `http://127.0.0.1:${pagePort(portBase)}/`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
