import { readFile } from 'node:fs/promises'
import { Type } from 'typebox'
import type { SoniaApp } from '#chassis/define-service.ts'
import { ServiceError } from '#chassis/errors.ts'

/** The files of the page, by name: nothing else of the disk can be asked for. */
const TYPES: Readonly<Record<string, string>> = {
  'index.html': 'text/html; charset=utf-8',
  'page.css': 'text/css; charset=utf-8',
  'page.js': 'text/javascript; charset=utf-8',
  'sound.js': 'text/javascript; charset=utf-8',
  'voice-session.js': 'text/javascript; charset=utf-8',
  'microphone-worklet.js': 'text/javascript; charset=utf-8',
}

const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'permissions-policy': 'microphone=(self), camera=(), geolocation=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-cache',
}

const OPEN = { auth: 'open', priority: 'normal' } as const

/** A page to talk or type to SONIA; whoever prefers JSON at `/` gets what every service answers there. */
export async function registerPage(
  app: SoniaApp,
  about: { readonly service: string; readonly version: string },
): Promise<void> {
  const files = new Map<string, Buffer>()
  for (const name of Object.keys(TYPES))
    files.set(name, await readFile(new URL(`../page/${name}`, import.meta.url)))
  app.get('/', { config: OPEN }, async (request, reply) => {
    reply.header('vary', 'accept')
    if (!prefersHtml(request.headers.accept)) return about
    return reply
      .headers(HEADERS)
      .type(TYPES['index.html'] ?? '')
      .send(files.get('index.html'))
  })
  app.get(
    '/page/:name',
    { config: OPEN, schema: { params: Type.Object({ name: Type.String({ maxLength: 64 }) }) } },
    async (request, reply) => {
      const { name } = request.params
      const file = files.get(name)
      if (file === undefined) throw new ServiceError('NOT_FOUND', 'The page has no such file')
      return reply
        .headers(HEADERS)
        .type(TYPES[name] ?? '')
        .send(file)
    },
  )
}

/** HTML is named, and not with a lower weight than JSON. */
export function prefersHtml(accept: string | undefined): boolean {
  const weights = new Map<string, number>()
  for (const part of (accept ?? '').split(',')) {
    const [type = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase())
    const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2)
    weights.set(type, weight === undefined ? 1 : Number(weight))
  }
  const html = weights.get('text/html') ?? 0
  return html > 0 && html >= (weights.get('application/json') ?? 0)
}
