import { type Static, Type } from 'typebox'
import { ServiceError } from '#chassis/errors.ts'
import type { PageRenderer, ShownPage } from '../browser/chromium.ts'
import { type FetchedPage, PAGE_BYTES_MAX, REDIRECTS_MAX, fetchPage } from '../browser/fetch-page.ts'
import { boundText, textOfHtml } from '../browser/page-text.ts'
import { parsePageUrl } from '../browser/page-url.ts'
import type { AddressRules } from '../browser/pinned-address.ts'
import { plainFacts } from './file-read.ts'
import type { RunBounds, Tool, ToolOutcome } from './tool.ts'

const ACCEPT = 'text/html, text/plain;q=0.9, application/json;q=0.9, */*;q=0.1'

const schema = Type.Object(
  { url: Type.String({ minLength: 1, maxLength: 8192 }) },
  { additionalProperties: false },
)

export interface BrowserSettings {
  readonly rules: AddressRules
  /** Null: plain HTTP; the answer says so. */
  readonly renderer: PageRenderer | null
  /** The browser failed on a page; the page was loaded without it. */
  readonly onRenderFailure: (error: unknown) => void
}

export function browserOpen(settings: BrowserSettings): Tool<typeof schema, Static<typeof schema>> {
  return {
    name: 'browser.open',
    summary: 'Load a web page: title, final URL, text, and a screenshot where a browser is installed',
    tiers: ['TIER_1_COMPUTE'],
    schema,
    limits: { page_bytes_max: PAGE_BYTES_MAX, redirects_max: REDIRECTS_MAX },
    unavailable: null,
    describe: () => ({ engine: settings.renderer?.engine ?? 'http' }),
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
  const signal = AbortSignal.any([bounds.signal, AbortSignal.timeout(Math.ceil(bounds.timeoutMs))])
  try {
    const page = await fetchPage(
      {
        rules: settings.rules,
        signal,
        bytesMax: PAGE_BYTES_MAX,
        accept: ACCEPT,
        permit: (next) => bounds.permit({ url: next.href }),
      },
      url,
    )
    const shown = await showPage(settings, page, signal)
    return describePage(url, page, shown)
  } catch (error) {
    return outcomeOfFailure(error, url)
  }
}

/** A site that is slow, down or broken is a result of the tool; a rule that was broken is a refusal. */
function outcomeOfFailure(error: unknown, url: URL): ToolOutcome {
  if (!(error instanceof ServiceError)) throw error
  const result = { url: url.href, message: error.message }
  if (error.code === 'TIMEOUT') return { status: 'timeout', result, sideEffects: [] }
  if (error.code === 'UNAVAILABLE') return { status: 'error', result, sideEffects: [] }
  throw error
}

interface Shown extends ShownPage {
  readonly engine: 'chromium' | 'http'
}

async function showPage(settings: BrowserSettings, page: FetchedPage, signal: AbortSignal): Promise<Shown> {
  const { renderer } = settings
  if (renderer === null || !isHtml(page) || !renderer.isUsable())
    return { ...plainText(page), engine: 'http' }
  try {
    return { ...(await renderer.render(page, signal)), engine: renderer.engine }
  } catch (error) {
    if (signal.aborted) throw new ServiceError('TIMEOUT', 'The page did not load in time.', { cause: error })
    settings.onRenderFailure(error)
    return { ...plainText(page), engine: 'http' }
  }
}

function describePage(url: URL, page: FetchedPage, shown: Shown): ToolOutcome {
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
      engine: shown.engine,
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
