import type { Browser, BrowserContext } from 'playwright-core'
import { ServiceError } from '#chassis/errors.ts'
import type { FetchedPage } from './fetch-page.ts'
import { type PageSupply, supplyPage } from './page-supply.ts'
import type { AddressRules } from './pinned-address.ts'
import { readView } from './read-view.ts'

export interface ShownPage {
  readonly title: string
  readonly text: string
  /** JPEG, base64; null where no browser rendered the page. */
  readonly screenshot: string | null
}

/** A browser that renders what was already fetched. */
export interface PageRenderer {
  readonly engine: 'chromium'
  /** False for a while after it failed to start. */
  readonly isUsable: () => boolean
  readonly render: (page: FetchedPage, signal: AbortSignal) => Promise<ShownPage>
  readonly close: () => Promise<void>
}

export interface ChromiumSettings {
  /** The contained browser, see chromium-launcher.ts. */
  readonly executable: string
  readonly rules: AddressRules
  readonly monotonicMs: () => number
  /** A browser that should work and does not; null once it does. */
  readonly onTrouble: (message: string | null) => void
}

const LAUNCH_TIMEOUT_MS = 10_000
const RETRY_AFTER_MS = 60_000
const IDLE_MS = 60_000
const PAGES_PER_BROWSER_MAX = 200
const PAGES_AT_ONCE_MAX = 2
const LOAD_WAIT_MS = 2_000
const VIEWPORT = { width: 1024, height: 768 }

/** One warm browser for all pages, each page in a context of its own. Started when first needed, closed when idle. */
export function chromiumRenderer(settings: ChromiumSettings): PageRenderer {
  let running: Promise<Browser> | null = null
  let failedAtMs = Number.NEGATIVE_INFINITY
  let pagesServed = 0
  let pagesOpen = 0
  let idle: NodeJS.Timeout | undefined

  const close = async () => {
    clearTimeout(idle)
    const browser = running
    running = null
    pagesServed = 0
    await (await browser?.catch(() => null))?.close()
  }
  /** A browser that is gone already cannot be closed, which is nobody's trouble. */
  const closeQuietly = () => void close().catch(() => undefined)
  const start = () => {
    running ??= launch(settings.executable).then(
      (browser) => {
        settings.onTrouble(null)
        browser.once('disconnected', () => {
          running = null
        })
        return browser
      },
      (error: unknown) => {
        running = null
        failedAtMs = settings.monotonicMs()
        settings.onTrouble(
          'The installed Chromium does not start inside its containment; pages are loaded without it',
        )
        throw error
      },
    )
    return running
  }
  const finish = () => {
    pagesOpen--
    pagesServed++
    clearTimeout(idle)
    if (pagesOpen > 0) return
    if (pagesServed >= PAGES_PER_BROWSER_MAX) closeQuietly()
    else idle = setTimeout(closeQuietly, IDLE_MS).unref()
  }
  return {
    engine: 'chromium',
    isUsable: () => pagesOpen < PAGES_AT_ONCE_MAX && settings.monotonicMs() - failedAtMs > RETRY_AFTER_MS,
    close,
    render: async (page, signal) => {
      pagesOpen++
      try {
        const browser = await start()
        return await renderIn(browser, { page, rules: settings.rules, signal })
      } finally {
        finish()
      }
    },
  }
}

/** Loaded on first use: it is large, and many installations never open a page. */
async function launch(executablePath: string): Promise<Browser> {
  const { chromium } = await import('playwright-core')
  return chromium.launch({
    executablePath,
    chromiumSandbox: true,
    timeout: LAUNCH_TIMEOUT_MS,
    args: ['--disable-gpu'],
    env: {},
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
  })
}

async function renderIn(browser: Browser, supply: PageSupply): Promise<ShownPage> {
  const context = await browser.newContext({
    serviceWorkers: 'block',
    acceptDownloads: false,
    viewport: VIEWPORT,
  })
  const onAbort = () => void context.close().catch(() => undefined)
  supply.signal.addEventListener('abort', onAbort, { once: true })
  try {
    if (supply.signal.aborted) throw new ServiceError('TIMEOUT', 'The page did not load in time.')
    return await show(context, supply)
  } finally {
    supply.signal.removeEventListener('abort', onAbort)
    await context.close()
  }
}

async function show(context: BrowserContext, supply: PageSupply): Promise<ShownPage> {
  await supplyPage(context, supply)
  const view = await context.newPage()
  // Windows that the page opens are nobody's.
  context.on('page', (other) => void other.close().catch(() => undefined))
  await view.goto(supply.page.url.href, { waitUntil: 'domcontentloaded', timeout: 0 })
  // A picture that never arrives must not cost the whole page.
  await view.waitForLoadState('load', { timeout: LOAD_WAIT_MS }).catch(() => undefined)
  const { title, text } = await readView(view)
  const screenshot = await view.screenshot({ type: 'jpeg', quality: 60, timeout: LOAD_WAIT_MS })
  return { title, text, screenshot: screenshot.toString('base64') }
}
