import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { locateTool } from '#tools/locate.ts'
import { REPO, temporaryHome, testHost } from '../fixtures/test-host.ts'
import { OPS_EXIT, OpsError } from '../ops-error.ts'
import { renderAlertmanagerConfig } from '../rendering/alertmanager-config.ts'
import { stateHome } from '../state-home.ts'
import { readReceivers } from './receivers.ts'

const SECRET = 'a-secret-that-must-not-be-shown'
const EVERY_KIND = {
  page: [
    { kind: 'webhook', url: 'https://pager.example/hook', bearer_token: 'file:config/keys/pager' },
    { kind: 'pagerduty', routing_key: 'file:config/keys/pager' },
  ],
  ticket: [
    { kind: 'slack', url: 'file:config/keys/slack', channel: '#sonia' },
    {
      kind: 'email',
      to: 'ops@example.org',
      from: 'sonia@example.org',
      smarthost: 'mail.example.org:587',
      username: 'sonia',
      password: 'file:config/keys/pager',
    },
  ],
  heartbeat: [{ kind: 'webhook', url: 'file:config/keys/slack' }],
}

/** A state folder with this alerting.json and two files of secrets. */
function folders(t: TestContext, alerting: unknown) {
  const state = stateHome(temporaryHome(t))
  mkdirSync(join(state.config, 'keys'), { recursive: true })
  writeFileSync(join(state.config, 'keys', 'pager'), SECRET, { mode: 0o600 })
  writeFileSync(join(state.config, 'keys', 'slack'), 'https://hooks.example/T/B/x', { mode: 0o600 })
  const text = typeof alerting === 'string' ? alerting : JSON.stringify(alerting)
  writeFileSync(join(state.config, 'alerting.json'), text)
  return state
}

function refusal(state: ReturnType<typeof folders>): string {
  try {
    readReceivers(state)
  } catch (error) {
    if (!(error instanceof OpsError)) throw error
    assert.equal(error.exitCode, OPS_EXIT.badInput)
    return error.message
  }
  return 'nothing was refused'
}

const page = (target: unknown) => ({ page: [target] })
const slack = { kind: 'slack', channel: '#x' }

const refused: readonly (readonly [string, unknown, RegExp])[] = [
  ['text that is no JSON', '{', /is no JSON object/],
  ['a list', [], /is no JSON object/],
  ['a receiver of another name', { pager: [] }, /"pager" is none of page, ticket, heartbeat/],
  ['a receiver that is no list', { page: {} }, /page is no list/],
  [
    'an unknown kind',
    page({ kind: 'pigeon' }),
    /page\[0\]\.kind is none of webhook, email, slack, pagerduty/,
  ],
  ['an unknown key', page({ kind: 'webhook', url: 'http://x', retries: 3 }), /page\[0\].*additional/],
  ['a webhook without an address', page({ kind: 'webhook' }), /page\[0\].*url/],
  ['a Slack address in the clear', page({ ...slack, url: `https://${SECRET}` }), /url must be "file:<path>"/],
  [
    'a token in the clear',
    page({ kind: 'webhook', url: 'http://x', bearer_token: SECRET }),
    /bearer_token must be "file:<path>"/,
  ],
  [
    'a secret from the environment, which Alertmanager cannot read',
    page({ ...slack, url: 'env:SLACK' }),
    /url must be "file:<path>"/,
  ],
  [
    'a secret that is not there',
    page({ ...slack, url: 'file:config/none' }),
    /page\[0\]\.url: .* does not exist/,
  ],
  ['a secret that is a folder', page({ ...slack, url: 'file:config/keys' }), /is no regular file/],
  ['a mail relay without a port', page({ kind: 'email', to: 'a', from: 'b', smarthost: 'c' }), /smarthost/],
]

for (const [what, alerting, expected] of refused) {
  test(`${what} is refused before anything starts, and no secret is shown`, (t) => {
    const message = refusal(folders(t, alerting))
    assert.match(message, expected)
    assert.doesNotMatch(message, new RegExp(SECRET))
  })
}

test('a secret that others can read, that is a link or empty is refused', (t) => {
  const state = folders(t, page({ ...slack, url: 'file:config/keys/slack' }))
  const path = join(state.config, 'keys', 'slack')
  chmodSync(path, 0o644)
  assert.match(refusal(state), /can be read by others/)
  chmodSync(path, 0o600)
  writeFileSync(path, ' \n')
  assert.match(refusal(state), /is empty/)
  const linked = folders(t, page({ ...slack, url: 'file:config/link' }))
  symlinkSync(join(linked.config, 'keys', 'slack'), join(linked.config, 'link'))
  assert.match(refusal(linked), /is no regular file/)
})

test('every problem is told at once', (t) => {
  const message = refusal(folders(t, { page: [{ kind: 'pigeon' }], ticket: [{ kind: 'slack' }], more: 1 }))
  for (const part of [/"more"/, /page\[0\]/, /ticket\[0\].*url/, /ticket\[0\].*channel/])
    assert.match(message, part)
})

test('without the file there are no receivers', (t) => {
  assert.deepEqual(readReceivers(stateHome(temporaryHome(t))), {})
})

test('Alertmanager takes every kind, routes as committed, and its configuration holds no secret', async (t) => {
  const state = folders(t, EVERY_KIND)
  const template = readFileSync(join(REPO, 'prometheus', 'alertmanager.yml'), 'utf8')
  const text = renderAlertmanagerConfig(template, { receivers: readReceivers(state) })
  assert.doesNotMatch(text, new RegExp(`${SECRET}|hooks.example`))
  const path = join(state.home, 'alertmanager.yml')
  writeFileSync(path, text)
  const { path: amtool } = await locateTool('amtool', { ...testHost, repository: REPO })
  const run = (...args: readonly string[]) =>
    execFileSync(amtool, [...args], { encoding: 'utf8', stdio: 'pipe' })
  assert.match(run('check-config', path), /SUCCESS[\s\S]*4 receivers/)
  for (const [severity, receiver] of [
    ['critical', 'page'],
    ['warning', 'ticket'],
    ['info', 'none'],
  ] as const) {
    const labels = ['alertname=Any', 'service=openclaw', `severity=${severity}`]
    assert.equal(run('config', 'routes', 'test', `--config.file=${path}`, ...labels).trim(), receiver)
  }
})

test('a key that Alertmanager does not know would be noticed by its own check', async (t) => {
  const template = readFileSync(join(REPO, 'prometheus', 'alertmanager.yml'), 'utf8')
  const path = join(temporaryHome(t), 'alertmanager.yml')
  const receivers = { page: { webhook_configs: [{ url: 'http://x', secret_of_nobody: 1 }] } }
  writeFileSync(path, renderAlertmanagerConfig(template, { receivers }))
  const { path: amtool } = await locateTool('amtool', { ...testHost, repository: REPO })
  assert.throws(
    () => execFileSync(amtool, ['check-config', path], { stdio: 'pipe', encoding: 'utf8' }),
    (error: unknown) => /secret_of_nobody/.test((error as { stdout: string }).stdout),
  )
})
