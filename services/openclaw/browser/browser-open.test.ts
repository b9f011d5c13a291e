import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Openclaw, buildOpenclaw, policyDouble } from '../testing.ts'
import { PAGE_BYTES_MAX, fetchPage } from './fetch-page.ts'
import { type PageFixture, startPageFixture } from './page-fixture.ts'

let site: PageFixture
let inner: PageFixture
let openclaw: Openclaw

before(async () => {
  inner = await startPageFixture((_request, response) => response.end('SECRET'))
  site = await startPageFixture((request, response) => {
    const page = pages[new URL(request.url ?? '/', 'http://x').pathname]
    if (page === undefined) response.writeHead(404, { 'content-type': 'text/plain' }).end('nothing here')
    else page(response)
  })
  openclaw = await buildOpenclaw({ config: { browser: { engine: 'http', allowed_origins: [site.origin] } } })
})
after(async () => {
  await openclaw.stop()
  await site.close()
  await inner.close()
})

type Page = (response: Parameters<Parameters<typeof startPageFixture>[0]>[1]) => void
const redirectTo =
  (location: () => string): Page =>
  (response) =>
    response.writeHead(302, { location: location() }).end()
const html = { 'content-type': 'text/html; charset=utf-8' }

const pages: Readonly<Record<string, Page>> = {
  '/page': (response) =>
    response
      .writeHead(200, html)
      .end(
        '<head><title>A &amp; B</title></head><script>var no</script><h1>Head</h1><p>one &lt;two&gt;</p><!-- no -->',
      ),
  '/moved': redirectTo(() => '/page'),
  '/inward': redirectTo(() => `${inner.origin}/`),
  '/to-file': redirectTo(() => 'file:///etc/passwd'),
  '/with-user': redirectTo(() => 'http://u:p@example.org/'),
  '/loop': redirectTo(() => '/loop'),
  '/huge': (response) => response.writeHead(200, html).end(Buffer.alloc(PAGE_BYTES_MAX + 1, 'x')),
  '/silent': () => undefined,
  '/json': (response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{"a":1}'),
}

const open = (path: string, extra = {}) =>
  openclaw.execute('browser.open', { url: site.origin + path }, extra)

test('a redirect to an address that may not be opened is refused midway, and nothing is asked there', async () => {
  const answer = await open('/inward')
  assert.deepEqual([answer.status, answer.body.error?.details?.reason], [403, 'ADDRESS_REFUSED'])
  assert.deepEqual(inner.asked, [])
})

test('a redirect to another origin is put to policy, which answers as for that page itself', async () => {
  const asked: string[] = []
  const policy = policyDouble((request) => {
    const { url } = (request.body as { args: { url: string } }).args
    asked.push(url)
    return { status: url.startsWith(site.origin) ? 'approved' : 'denied', policy_version: 'test' }
  })
  const allowed = [site.origin, inner.origin]
  const other = await buildOpenclaw(
    { config: { browser: { engine: 'http', allowed_origins: allowed } } },
    policy,
  )
  const answer = await other.execute('browser.open', { url: `${site.origin}/inward` })
  assert.deepEqual([answer.status, answer.body.error?.details?.reason], [403, 'POLICY_DENIED'])
  assert.equal((await other.execute('browser.open', { url: `${site.origin}/moved` })).status, 200)
  await other.stop()
  assert.deepEqual(asked, [`${site.origin}/inward`, `${inner.origin}/`, `${site.origin}/moved`])
  assert.deepEqual(inner.asked, [])
})

test('a redirect to another scheme or to a URL with credentials is refused', async () => {
  assert.equal((await open('/to-file')).body.error?.details?.reason, 'SCHEME_REFUSED')
  assert.equal((await open('/with-user')).body.error?.details?.reason, 'ADDRESS_REFUSED')
})

test('a page that is too large is refused', async () => {
  const answer = await open('/huge')
  assert.deepEqual([answer.status, answer.body.error?.code], [413, 'TOO_LARGE'])
})

test('a page that does not answer in time ends as timeout, one that redirects for ever as error', async () => {
  assert.equal((await open('/silent', { timeout_ms: 100 })).body.status, 'timeout')
  assert.equal((await open('/loop')).body.status, 'error')
})

test('a page is loaded with title, text, final address and status, and says that no browser rendered it', async () => {
  const { status, body } = await open('/moved')
  assert.equal(status, 200)
  assert.deepEqual(
    { ...body.result, url: '', final_url: String(body.result?.['final_url']).replace(site.origin, '') },
    {
      url: '',
      final_url: '/page',
      status_code: 200,
      content_type: 'text/html; charset=utf-8',
      title: 'A & B',
      text: 'Head\none <two>',
      screenshot: null,
      screenshot_type: null,
      engine: 'http',
      redirects: 1,
    },
  )
})

test('what is no HTML is given as it is, and a 404 page is a result', async () => {
  assert.equal((await open('/json')).body.result?.['text'], '{"a":1}')
  assert.equal((await open('/none')).body.result?.['status_code'], 404)
})

test('the name is resolved once per request and the connection goes to that answer', async () => {
  const answers = ['127.0.0.1', '10.255.255.1']
  const port = new URL(site.origin).port
  const rules = {
    allowedOrigins: new Set([`http://rebind.example:${port}`]),
    isOwn: () => false,
    resolve: async () => [{ address: answers.shift() ?? '10.255.255.1', family: 4 }],
  }
  const settings = { rules, signal: AbortSignal.timeout(2_000), bytesMax: PAGE_BYTES_MAX, accept: '*/*' }
  const page = await fetchPage(settings, new URL(`http://rebind.example:${port}/json`))
  assert.equal(page.body.toString(), '{"a":1}')
  assert.deepEqual(answers, ['10.255.255.1'])
})
