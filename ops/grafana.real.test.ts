import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { parse } from 'yaml'
import { portAt, WATCH_PORTS } from '#catalog'
import { eventually, REPO, temporaryHome, testHost } from './fixtures/test-host.ts'
import { findGrafana, startGrafana } from './grafana.ts'
import { stateHome } from './state-home.ts'

// Grafana itself is not on this machine: a stand-in on PATH records how it is started and listens as it would.
const PORT_BASE = 22_200
const PORT = portAt(WATCH_PORTS.grafana, PORT_BASE)

function standIn(version: string, record: string): string {
  return `const { writeFileSync } = require('node:fs')
if (process.argv[2] === '--version') { console.log('grafana version ${version}'); process.exit(0) }
const settings = Object.fromEntries(Object.entries(process.env).filter(([name]) => name.startsWith('GF_')))
writeFileSync('${record}', JSON.stringify({ args: process.argv.slice(2), settings }))
const { GF_SERVER_HTTP_ADDR: host, GF_SERVER_HTTP_PORT: port } = process.env
require('node:http').createServer((req, res) => res.end('{"database":"ok"}')).listen(Number(port), host)
`
}

function setting(t: TestContext, version: string) {
  const root = temporaryHome(t)
  const folders = stateHome(join(root, 'home'))
  for (const folder of Object.values(folders)) mkdirSync(folder, { recursive: true })
  const bin = join(root, 'grafana-dist', 'bin')
  mkdirSync(bin, { recursive: true })
  mkdirSync(join(root, 'grafana-dist', 'conf'))
  writeFileSync(join(root, 'grafana-dist', 'conf', 'defaults.ini'), '')
  const record = join(root, 'started.json')
  // A path with a space cannot stand in a first line "#!": a shell hands over.
  writeFileSync(join(root, 'grafana.cjs'), standIn(version, record))
  const command = `#!/bin/sh\nexec '${process.execPath}' '${join(root, 'grafana.cjs')}' "$@"\n`
  writeFileSync(join(bin, 'grafana'), command, { mode: 0o755 })
  const said: string[] = []
  const host = { ...testHost, env: { PATH: `${bin}:${testHost.env['PATH']}` } }
  const log = (_level: string, _operation: string, message: string) => void said.push(message)
  const options = { repo: REPO, folders, portBase: PORT_BASE, runId: 'run_grafana', host, log }
  return { root, folders, record, said, options }
}

test('a Grafana that is too old, or none, is not started', async (t) => {
  const { options, record } = setting(t, '11.6.1')
  assert.equal(await findGrafana({ PATH: '/nowhere' }), undefined)
  assert.equal(await startGrafana(options), undefined)
  assert.equal(existsSync(record), false)
})

test('a taken port leaves the stack without Grafana, and says so', async (t) => {
  const { options, said } = setting(t, '12.1.0')
  const holder = createServer().listen(PORT, '127.0.0.1')
  t.after(() => holder.close())
  await once(holder, 'listening')
  assert.equal(await startGrafana(options), undefined)
  assert.match(said.join('\n'), /is taken: Grafana 12\.1\.0 is not started/)
})

test('one that is new enough gets the repository’s dashboards and the data sources that exist here, and is stopped', async (t) => {
  const { root, options, record, said, folders } = setting(t, '12.1.0')
  const grafana = await startGrafana(options)
  t.after(() => grafana?.stop())
  await eventually(
    () => (said.some((line) => line.startsWith('grafana 12.1.0 at')) ? true : undefined),
    30_000,
  )
  const { args, settings } = JSON.parse(readFileSync(record, 'utf8')) as {
    args: string[]
    settings: Record<string, string>
  }
  assert.deepEqual(args, ['server', `--homepath=${join(root, 'grafana-dist')}`])
  assert.equal(settings['GF_SERVER_HTTP_ADDR'], '127.0.0.1')
  assert.equal(settings['GF_SERVER_HTTP_PORT'], String(PORT))
  assert.equal(settings['GF_PATHS_DATA'], join(folders.data, 'grafana'))
  const provisioning = settings['GF_PATHS_PROVISIONING'] ?? ''
  const read = (name: string) => readFileSync(join(provisioning, name, 'sonia.yaml'), 'utf8')
  const sources = parse(read('datasources')) as { datasources: { uid: string; url: string }[] }
  assert.deepEqual(
    sources.datasources.map(({ uid, url }) => [uid, url]),
    [
      ['sonia-prometheus', `http://127.0.0.1:${portAt(WATCH_PORTS.prometheus, PORT_BASE)}`],
      ['sonia-alertmanager', `http://127.0.0.1:${portAt(WATCH_PORTS.alertmanager, PORT_BASE)}`],
    ],
  )
  assert.doesNotMatch(read('datasources'), /tempo|loki/)
  const { providers } = parse(read('dashboards')) as { providers: { options: { path: string } }[] }
  const [provider] = providers
  assert.ok(existsSync(join(provider?.options.path ?? '', 'sonia-production.json')))
  assert.ok(existsSync(settings['GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH'] ?? ''))
  await grafana?.stop()
  await assert.rejects(fetch(`http://127.0.0.1:${PORT}/api/health`))
})
