import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Openclaw, buildOpenclaw } from '../testing.ts'
import { findChromium } from './chromium-launcher.ts'
import { type PageFixture, startPageFixture } from './page-fixture.ts'

let site: PageFixture
let inner: PageFixture
let openclaw: Openclaw

before(async () => {
  inner = await startPageFixture((_request, response) => response.end('SECRET'))
  site = await startPageFixture((request, response) => {
    if (request.url === '/style.css')
      response.writeHead(200, { 'content-type': 'text/css' }).end('h1 { color: red }')
    else if (request.url === '/data') response.end('from the same origin')
    else response.writeHead(200, { 'content-type': 'text/html' }).end(pageWith(inner.origin))
  })
  openclaw = await buildOpenclaw({ config: { browser: { allowed_origins: [site.origin, inner.origin] } } })
})
after(async () => {
  await openclaw.stop()
  await site.close()
  await inner.close()
})

const pageWith = (
  foreign: string,
) => `<!doctype html><title>Start</title><link rel="stylesheet" href="/style.css">
<h1>Heading</h1><p id="own"></p><p id="foreign"></p><img src="${foreign}/picture.png">
<script>
document.title = 'Scripted'
const put = (id) => (text) => { document.getElementById(id).textContent = text }
fetch('/data').then((r) => r.text()).then(put('own'))
fetch('${foreign}/secret').then((r) => r.text()).then(put('foreign'), () => put('foreign')('refused'))
</script>`

test('a machine with Chromium renders the page in it; without one this is said, not hidden', async () => {
  const { status, body } = await openclaw.execute(
    'browser.open',
    { url: `${site.origin}/` },
    { timeout_ms: 20_000 },
  )
  assert.equal(status, 200)
  assert.equal(body.result?.['engine'], findChromium() === undefined ? 'http' : 'chromium')
  if (findChromium() === undefined) return
  assert.equal(body.result?.['title'], 'Scripted')
  assert.match(String(body.result?.['text']), /Heading/)
  const picture = Buffer.from(String(body.result?.['screenshot']), 'base64')
  assert.deepEqual([...picture.subarray(0, 3)], [0xff, 0xd8, 0xff])
  assert.ok(site.asked.includes('/style.css'))
})

test('the page reaches its own origin at most; another one, allowed or not, hears nothing', () => {
  assert.deepEqual(inner.asked, [])
})
