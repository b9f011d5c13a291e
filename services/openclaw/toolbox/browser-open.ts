import { type Static, Type } from 'typebox'
import { type FetchedPage, PAGE_BYTES_MAX, REDIRECTS_MAX, fetchPage } from '../browser/fetch-page.ts'
import { boundText, textOfHtml } from '../browser/page-text.ts'
import { parsePageUrl } from '../browser/page-url.ts'
import type { AddressRules } from '../browser/pinned-address.ts'
import { plainFacts } from './file-read.ts'
import type { RunBounds, Tool, ToolOutcome } from './tool.ts'

const schema = Type.Object(
  { url: Type.String({ minLength: 1, maxLength: 8192 }) },
  { additionalProperties: false },
)

export interface ShownPage {
  readonly title: string
  readonly text: string
  /** JPEG, base64; null where no browser rendered the page. */
  readonly screenshot: string | null
}

/** A browser that renders what was already fetched. Null where it cannot. */
export interface PageRenderer {
  readonly engine: string
  readonly render: (page: FetchedPage, bounds: RunBounds) => Promise<ShownPage>
}

export interface BrowserSettings {
  readonly rules: AddressRules
  /** Null: plain HTTP; the answer says so. Asked for at each call, since a browser may be lost and found. */
  readonly renderer: () => PageRenderer | null
}

export function browserOpen(settings: BrowserSettings): Tool<typeof schema, Static<typeof schema>> {
  return {
    name: 'browser.open',
    summary: 'Load a web page: title, final URL, text, and a screenshot where a browser is installed',
    tiers: ['TIER_1_COMPUTE'],
    schema,
    limits: { page_bytes_max: PAGE_BYTES_MAX, redirects_max: REDIRECTS_MAX },
    unavailable: null,
    describe: () => ({ engine: settings.renderer()?.engine ?? 'http' }),
    prepare: ({ args }) => {
      const url = parsePageUrl(args.url)
      return {
        facts: plainFacts('TIER_1_COMPUTE'),
        subject: url.origin + url.pathname,
        assertRunnable: () => undefined,
        run: (_argv, bounds) => openPage(settings, url, bounds),
        release: () => undefined,
      }
    },
  }
}

async function openPage(settings: BrowserSettings, url: URL, bounds: RunBounds): Promise<ToolOutcome> {
  const signal = AbortSignal.any([bounds.signal, AbortSignal.timeout(bounds.timeoutMs)])
  const accept = 'text/html, text/plain;q=0.9, application/json;q=0.9, */*;q=0.1'
  const page = await fetchPage({ rules: settings.rules, signal, bytesMax: PAGE_BYTES_MAX, accept }, url)
  const renderer = isHtml(page) ? settings.renderer() : null
  const shown = renderer === null ? plainText(page) : await renderer.render(page, { ...bounds, signal })
  return {
    status: 'executed',
    result: {
      url: url.href,
      final_url: page.url.href,
      status_code: page.status,
      content_type: page.headers['content-type'] ?? null,
      title: shown.title,
      text: boundText(shown.text),
      screenshot: shown.screenshot,
      screenshot_type: shown.screenshot === null ? null : 'image/jpeg',
      engine: renderer?.engine ?? 'http',
      redirects: page.redirects,
    },
    sideEffects: [{ type: 'page_loaded', target: page.url.origin }],
  }
}

function contentType(page: FetchedPage): string {
  return (page.headers['content-type'] ?? 'text/html').toLowerCase()
}

function isHtml(page: FetchedPage): boolean {
  return /^(?:text\/html|application\/xhtml\+xml)/.test(contentType(page))
}

function plainText(page: FetchedPage): ShownPage {
  const body = page.body.toString()
  if (isHtml(page)) return { ...textOfHtml(body), screenshot: null }
  const isText = /^(?:text\/|application\/(?:json|xml|[a-z.+-]*\+(?:json|xml)))/.test(contentType(page))
  return { title: '', text: isText ? body : '', screenshot: null }
}
