import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Openclaw, buildOpenclaw } from '../testing.ts'
import { findChromium } from './chromium-launcher.ts'
import { type PageFixture, startPageFixture } from './page-fixture.ts'

/** Scripts of pages that mean harm to whoever opens them, each after a heading. */
const PAGES: Readonly<Record<string, string>> = {
  '/windows': "for (let i = 0; i < 5; i++) window.open('/other?' + i); window.open('http://127.0.0.1:1/')",
  '/frames':
    "for (const src of ['file:///etc/passwd', '/other', 'javascript:0', 'view-source:http://x/']) document.body.append(Object.assign(document.createElement('iframe'), { src }))",
  '/dialogs': "alert(1); confirm(2); onbeforeunload = () => 'stay'; print()",
  '/leaving': "setTimeout(() => { location = '/other' }, 0)",
  '/title': "document.title = 't'.repeat(5e6)",
  '/text': "document.body.append('t '.repeat(5e6))",
  '/getters':
    "for (const at of [HTMLElement.prototype, Document.prototype]) for (const name of ['innerText', 'title', 'querySelector']) Object.defineProperty(at, name, { get: () => 'x'.repeat(1e8) })",
  '/names': "document.body.append(Object.assign(document.createElement('img'), { name: 'querySelector' }))",
}
const MEMORY_MIB_MAX = 250

let site: PageFixture
let openclaw: Openclaw

before(async () => {
  site = await startPageFixture((request, response) => {
    const script = PAGES[request.url ?? ''] ?? ''
    const page = `<title>Page</title><h1>Heading</h1><script>${script}</script>`
    response.writeHead(200, { 'content-type': 'text/html' }).end(page)
  })
  openclaw = await buildOpenclaw({ config: { browser: { allowed_origins: [site.origin] } } })
})
after(async () => {
  await openclaw.stop()
  await site.close()
})

const open = (path: string) =>
  openclaw.execute('browser.open', { url: site.origin + path }, { timeout_ms: 20_000 })

for (const path of Object.keys(PAGES)) {
  test(`${path}: a hostile page is shown in bounds, in the browser, and the next page after it`, async () => {
    const before = process.memoryUsage.rss()
    const { body } = await open(path)
    assert.equal(body.status, 'executed')
    assert.equal(body.result?.['engine'], findChromium() === undefined ? 'http' : 'chromium')
    // Chromium shows an error in place of a page that tried to go elsewhere.
    if (path !== '/leaving') assert.match(String(body.result?.['text']), /^Heading/)
    assert.ok(String(body.result?.['text']).length <= 50_000)
    assert.ok(String(body.result?.['title']).length <= 1_000)
    assert.ok(process.memoryUsage.rss() - before < MEMORY_MIB_MAX * 1024 * 1024)
    assert.equal((await open('/')).body.result?.['title'], 'Page')
  })
}
