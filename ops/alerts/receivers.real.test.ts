import assert from 'node:assert/strict'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { bringDown } from '../down.ts'
import { startMailServer } from '../fixtures/mail-server.ts'
import { scratchRepository } from '../fixtures/scratch-repository.ts'
import { eventually, temporaryHome, testHost } from '../fixtures/test-host.ts'
import { OPS_EXIT, OpsError } from '../ops-error.ts'
import { takenPorts } from '../process/listening-ports.ts'
import { servicePorts } from '../service-programs.ts'
import { stateHome } from '../state-home.ts'
import { bringUp, type UpOptions } from '../up.ts'
import { watchPorts } from '../watch.ts'

const PORT_BASE = 26_600
const WAIT_MS = 60_000
const never = new AbortController().signal

interface Delivery {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** Takes every delivery, whoever it is meant for. */
async function startReceiver(t: TestContext) {
  const deliveries: Delivery[] = []
  const server = createServer((req, res) => {
    let body = ''
    req.setEncoding('utf8').on('data', (chunk: string) => void (body += chunk))
    req.on('end', () => {
      deliveries.push({ path: req.url ?? '', headers: req.headers, body })
      // PagerDuty says 202, Slack "ok"; the others do not care.
      res.writeHead(req.url === '/v2/enqueue' ? 202 : 200).end('ok')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return { deliveries, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

function setting(t: TestContext) {
  // Before the folder's own end: what runs is found by what stands there.
  t.after(() => bringDown(folders, { host: testHost, interruptedTwice: never }))
  const folders = stateHome(temporaryHome(t))
  const said: string[] = []
  const options: UpOptions = {
    repo: scratchRepository(t),
    home: folders.home,
    portBase: PORT_BASE,
    scrapeIntervalSeconds: 1,
    host: testHost,
    interrupted: never,
    interruptedTwice: never,
    say: (line) => void said.push(line),
  }
  const configure = (alerting: unknown) => {
    mkdirSync(folders.config, { recursive: true })
    writeFileSync(join(folders.config, 'alerting.json'), JSON.stringify(alerting))
  }
  const keep = (name: string, secret: string) => {
    mkdirSync(join(folders.config, 'keys'), { recursive: true })
    writeFileSync(join(folders.config, 'keys', name), secret, { mode: 0o600 })
  }
  return { folders, options, said, configure, keep }
}

/** An alert as Prometheus would send it: the way from Alertmanager on is the product's. */
async function raise(severity: string): Promise<void> {
  const labels = { alertname: 'Raised', service: `of-${severity}`, severity }
  const response = await fetch(`http://127.0.0.1:${watchPorts(PORT_BASE).alertmanager}/api/v2/alerts`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify([{ labels, annotations: { summary: 'it was raised', runbook_url: 'runbook' } }]),
  })
  assert.equal(response.status, 200)
}

test('up refuses receivers that cannot work, and nothing is started', async (t) => {
  const { options, configure } = setting(t)
  configure({ page: [{ kind: 'slack', url: 'file:config/keys/none', channel: '#x' }] })
  const isRefusal = (error: unknown) =>
    error instanceof OpsError && error.exitCode === OPS_EXIT.badInput && /does not exist/.test(error.message)
  await assert.rejects(bringUp(options), isRefusal)
  const ports = [...Object.values(servicePorts(PORT_BASE)), ...Object.values(watchPorts(PORT_BASE))]
  assert.deepEqual(takenPorts(ports), [])
})

test('up without a receiver says that nobody is told', async (t) => {
  const { options, said } = setting(t)
  await bringUp(options)
  assert.match(said.join('\n'), /nobody is told/)
})

test('after up, a page, a ticket and the heartbeat arrive at a webhook, PagerDuty, Slack and by mail', async (t) => {
  const { options, said, configure, keep } = setting(t)
  const { deliveries, url } = await startReceiver(t)
  const mail = await startMailServer()
  t.after(() => mail.stop())
  keep('pager', 'the-token-of-the-pager')
  keep('slack', `${url}/slack`)
  configure({
    page: [
      { kind: 'webhook', url: `${url}/page`, bearer_token: 'file:config/keys/pager' },
      { kind: 'pagerduty', routing_key: 'file:config/keys/pager', url: `${url}/v2/enqueue` },
    ],
    ticket: [
      { kind: 'slack', url: 'file:config/keys/slack', channel: '#sonia' },
      {
        kind: 'email',
        to: 'ops@example.org',
        from: 'sonia@example.org',
        smarthost: `127.0.0.1:${mail.port}`,
        require_tls: false,
      },
    ],
    heartbeat: [{ kind: 'webhook', url: `${url}/heartbeat` }],
  })
  await bringUp(options)
  assert.doesNotMatch(said.join('\n'), /nobody is told/)
  await raise('critical')
  await raise('warning')
  const arrived = (path: string) =>
    eventually(() => deliveries.find((delivery) => delivery.path === path), WAIT_MS)
  const page = await arrived('/page')
  assert.equal(page.headers.authorization, 'Bearer the-token-of-the-pager')
  assert.match(page.body, /"alertname":"Raised".*"severity":"critical"/)
  assert.match((await arrived('/v2/enqueue')).body, /"routing_key":"the-token-of-the-pager"/)
  assert.match((await arrived('/heartbeat')).body, /"alertname":"Watchdog"/)
  const slack = await arrived('/slack')
  assert.match(slack.body, /"channel":"#sonia"/)
  assert.match(slack.body, /it was raised/)
  assert.match(await eventually(() => mail.mails[0], WAIT_MS), /To: ops@example.org[\s\S]*Raised/)
  // Tickets go to nobody's pager.
  const strays = deliveries.filter(({ path, body }) => path === '/page' && /of-warning/.test(body))
  assert.deepEqual(strays, [])
})
