import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'
import { eventually } from '#chassis/testing.ts'
import { prefersHtml } from '../routes/page.ts'
import { encodeWav } from '../speech/wav.ts'
import { Client, metric, pcmSilence, pcmTone, type Voice, voice, voiceWithKeys } from '../testing.ts'

const DOUBLE = fileURLToPath(new URL('../../../gates/doubles/upstream-main.ts', import.meta.url))
const LIMIT_MS = 20_000

let browser: Browser
let baseUrl = ''
const stops: (() => Promise<void>)[] = []

before(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sonia-page-'))
  const said = join(folder, 'said.wav')
  // Chromium plays it over and over: what a person says, and a pause.
  await writeFile(
    said,
    encodeWav(Buffer.concat([pcmSilence(1_000), pcmTone(900), pcmSilence(1_500)]), 16_000),
  )
  const child = spawn(process.execPath, [DOUBLE], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  baseUrl = `http://127.0.0.1:${(JSON.parse(line) as { port: number }).port}/v1`
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--use-fake-ui-for-media-stream',
      '--use-fake-device-for-media-stream',
      `--use-file-for-fake-audio-capture=${said}`,
      '--autoplay-policy=no-user-gesture-required',
    ],
  })
  stops.push(
    () => browser.close(),
    async () => {
      const exit = once(child, 'exit')
      child.kill('SIGTERM')
      await exit
      await rm(folder, { recursive: true })
    },
  )
})
after(async () => {
  for (const stop of stops) await stop()
})

const speech = () => ({
  speech: {
    transcription: { base_url: baseUrl, model: 'ears' },
    voice: { base_url: baseUrl, model: 'mouth' },
  },
})

/** The page of a real service in a real browser, connected; whatever the browser complains of is kept. */
async function open(
  service: Voice,
  colorScheme: 'light' | 'dark' = 'light',
  { clicks } = { clicks: 1 },
): Promise<{ page: Page; complaints: string[] }> {
  const context = await browser.newContext({ colorScheme, viewport: { width: 1000, height: 760 } })
  const page = await context.newPage()
  page.setDefaultTimeout(LIMIT_MS)
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  await page.goto(service.url)
  await page.getByRole('button', { name: 'Start' }).click({ clickCount: clicks })
  await page.locator('#state[data-state=open]').waitFor()
  return { page, complaints }
}

function dropSockets({ app }: Voice): void {
  for (const socket of app.websocketServer.clients) socket.terminate()
}

test('HTML comes only where it is preferred; the page allows no foreign script, and gives no other file', async () => {
  for (const [accept, expected] of [
    [undefined, false],
    ['*/*', false],
    ['application/json', false],
    ['text/html;q=0.3, application/json', false],
    ['text/html;q=0', false],
    ['text/html,application/xhtml+xml,*/*;q=0.8', true],
  ] as const) {
    assert.equal(prefersHtml(accept), expected, String(accept))
  }
  const { app } = await voice()
  assert.equal((await app.inject({ url: '/' })).json<{ service: string }>().service, 'pipecat')
  const page = await app.inject({ url: '/', headers: { accept: 'text/html' } })
  assert.match(String(page.headers['content-security-policy']), /default-src 'none'; script-src 'self'/)
  assert.doesNotMatch(page.body, /<script(?![^>]*src=)| style=| on\w+=/)
  for (const name of ['..%2fservice.ts', 'service.ts', '__proto__']) {
    assert.equal((await app.inject({ url: `/page/${name}` })).statusCode, 404, name)
  }
})

test('a person types, is answered, sees the time it took, and ends the session; the browser has nothing to complain of', async () => {
  const service = await voice()
  const { page, complaints } = await open(service)
  await page.getByLabel('Message').fill('Good <b>morning</b>.')
  await page.getByLabel('Message').press('Enter')
  await page.locator('#transcript li', { hasText: 'SONIA' }).getByText('Good <b>morning</b>.').waitFor()
  await page.locator('#stages dt', { hasText: 'Whole answer' }).waitFor()
  assert.equal(await page.locator('#transcript li').count(), 2)
  assert.equal(await page.locator('#transcript li span b').count(), 0, 'what is said is text, never markup')
  assert.equal(await page.getByRole('button', { name: 'Microphone' }).isDisabled(), true, 'there are no ears')
  await page.getByRole('button', { name: 'Stop' }).click()
  await page.locator('#state[data-state=closed]').waitFor()
  assert.deepEqual(complaints, [])
})

test('a person speaks into the microphone, and hears the answer', async () => {
  const service = await voice(speech())
  const { page, complaints } = await open(service, 'dark')
  await page.getByRole('button', { name: 'Microphone' }).click()
  await page.locator('#transcript li', { hasText: 'You (spoken)' }).first().waitFor()
  await page.locator('#transcript li', { hasText: 'SONIA' }).first().waitFor()
  for (const meter of ['#spoken', '#heard']) {
    await eventually(async () => Number(await page.locator(meter).getAttribute('value')) > 0.05, LIMIT_MS)
  }
  const pressed = await page.getByRole('button', { name: 'Microphone' }).getAttribute('aria-pressed')
  assert.equal(pressed, 'true')
  assert.deepEqual(complaints, [])
})

test('a lost connection is taken up again, and the conversation goes on', async () => {
  const service = await voice()
  const { page } = await open(service)
  dropSockets(service)
  await page.locator('#state[data-state=lost]').waitFor()
  await page.locator('#state[data-state=open]').waitFor()
  await page.getByLabel('Message').fill('Still there?')
  await page.getByRole('button', { name: 'Send' }).click()
  await page.locator('#transcript li', { hasText: 'SONIA' }).getByText('Still there?').waitFor()
})

test('who stops while the connection is lost has stopped: nothing comes back, and the session is closed', async () => {
  const service = await voice()
  const { page } = await open(service)
  dropSockets(service)
  await page.locator('#state[data-state=lost]').waitFor()
  await page.getByRole('button', { name: 'Stop' }).click()
  await page.locator('#state[data-state=closed]').waitFor()
  const clean = () => metric(service, 'sonia_voice_sessions_closed_total{reason="clean"}')
  await eventually(async () => (await clean()) === '1', LIMIT_MS)
  assert.equal(service.app.websocketServer.clients.size, 0)
})

test('two clicks open one session and one microphone', async () => {
  const service = await voice(speech())
  const { page, complaints } = await open(service, 'light', { clicks: 2 })
  assert.equal(await metric(service, 'sonia_voice_sessions_created_total'), '1')
  await page.evaluate(COUNT_MICROPHONES)
  await page.getByRole('button', { name: 'Microphone' }).click({ clickCount: 2 })
  await page.locator('#microphone[aria-pressed=true]').waitFor()
  assert.equal(await page.evaluate('window.microphones.length'), 1)
  assert.deepEqual(complaints, [])
})

test('a microphone that is allowed after its session ended is closed again', async () => {
  const service = await voice(speech())
  const { page } = await open(service)
  await page.evaluate(COUNT_MICROPHONES)
  await page.evaluate('window.allowed = new Promise((resolve) => { window.allow = resolve }); undefined')
  await page.getByRole('button', { name: 'Microphone' }).click()
  await page.getByRole('button', { name: 'Stop' }).click()
  await page.locator('#state[data-state=closed]').waitFor()
  await page.evaluate('window.allow()')
  const state = () => page.evaluate('window.microphones[0]?.getTracks()[0].readyState')
  await eventually(async () => (await state()) === 'ended', LIMIT_MS)
})

/** Keeps what the page got of the device; `window.allowed`, where set, is the person who is asked. */
const COUNT_MICROPHONES = `
  window.microphones = []
  const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices)
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    await window.allowed
    const stream = await ask(wanted)
    window.microphones.push(stream)
    return stream
  }
  undefined`

test('while the service still holds the connection before, the page goes on trying; not after the session ended', async () => {
  const service = await voice()
  const { page } = await open(service)
  const id = (await readdir(join(service.home, 'data', 'sessions')))[0]?.replace('.json', '') ?? ''
  dropSockets(service)
  const rival = new Client(service.url, id)
  await rival.next('STATUS')
  let tries = 0
  page.on('websocket', () => {
    tries += 1
  })
  await eventually(() => tries > 7, LIMIT_MS)
  assert.equal(await page.locator('#state').getAttribute('data-state'), 'lost')
  rival.socket.terminate()
  await page.locator('#state[data-state=open]').waitFor()
  dropSockets(service)
  await service.app.inject({ method: 'POST', url: '/session/stop', body: { session_id: id } })
  await page.locator('#state[data-state=closed]').waitFor()
})

test('every control has a name, and all can be reached by the keyboard', async () => {
  const service = await voice(speech())
  const { page } = await open(service)
  for (const name of ['Send', 'Microphone', 'Interrupt', 'Stop']) {
    assert.equal(await page.getByRole('button', { name, exact: true }).count(), 1, name)
  }
  for (const label of ['Message', 'Answer aloud', 'Microphone', 'Voice']) {
    assert.ok((await page.getByLabel(label, { exact: true }).count()) >= 1, label)
  }
  await page.getByLabel('Message').focus()
  const reached: string[] = []
  for (let step = 0; step < 4; step += 1) {
    await page.keyboard.press('Tab')
    reached.push(String(await page.evaluate('document.activeElement.id')))
  }
  assert.deepEqual(reached, ['send', 'microphone', 'interrupt', 'aloud'])
})

test('leaving the page closes its session at once, and is no error', async () => {
  const service = await voice()
  const { page } = await open(service)
  await page.goto('about:blank')
  const closed = (reason: string) => metric(service, `sonia_voice_sessions_closed_total{reason="${reason}"}`)
  await eventually(async () => (await closed('client_closed')) === '1', LIMIT_MS)
  assert.deepEqual(
    [(await closed('error')) ?? '0', await metric(service, 'sonia_voice_sessions_active')],
    ['0', '0'],
  )
})

const KEY = 'a-key-of-somebody'

test('behind API keys the page asks for one, keeps it in its memory alone, and shows it again where the connection was lost', async () => {
  const service = await voiceWithKeys({ somebody: KEY })
  const page = await (await browser.newContext()).newPage()
  page.setDefaultTimeout(LIMIT_MS)
  const addresses: string[] = []
  page.on('request', (request) => addresses.push(request.url()))
  page.on('websocket', (socket) => addresses.push(socket.url()))
  await page.goto(service.url)
  assert.equal(await page.getByLabel('API key').isVisible(), false)
  await page.getByRole('button', { name: 'Start' }).click()
  await page.getByRole('alert').getByText('An API key is needed.').waitFor()
  for (const [key, next] of [
    ['wrong', page.getByRole('alert').getByText('The API key does not hold')],
    [KEY, page.locator('#state[data-state=open]')],
  ] as const) {
    await page.getByLabel('API key').fill(key)
    await page.getByLabel('API key').press('Enter')
    await next.waitFor()
  }
  assert.equal(await page.getByLabel('API key').isVisible(), false)
  dropSockets(service)
  await page.locator('#state[data-state=lost]').waitFor()
  await page.locator('#state[data-state=open]').waitFor()
  await page.getByLabel('Message').fill('Still me?')
  await page.getByLabel('Message').press('Enter')
  await page.locator('#transcript li', { hasText: 'SONIA' }).getByText('Still me?').waitFor()
  const kept = await page.evaluate(
    'JSON.stringify([document.documentElement.outerHTML, document.getElementById("key").value, document.cookie, localStorage, sessionStorage])',
  )
  assert.doesNotMatch(String(kept), new RegExp(KEY))
  assert.ok(addresses.some((address) => address.startsWith('ws:')))
  assert.doesNotMatch(addresses.join(' '), new RegExp(KEY))
  await page.reload()
  await page.getByRole('button', { name: 'Start' }).click()
  await page.getByLabel('API key').waitFor()
})
