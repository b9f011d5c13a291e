import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { env } from 'node:process'
import { after, before, type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { SERVICE_NAMES } from '#catalog'
import { requireProgram } from '../tests/requirement.ts'
import { composeCollector, composePrometheus } from './compose-configs.ts'
import { type ComposeProject, problemsOf } from './compose-file.ts'

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string) => readFileSync(join(REPOSITORY, path), 'utf8')
const run = promisify(execFile)
const BUILD_MS = 300_000

let folder = ''
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'sonia-compose-'))
})
after(() => rmSync(folder, { recursive: true, force: true }))

let built: Promise<string> | undefined

/** The parser of the Compose specification's own project, built once; null where Go is missing. */
async function checker(t: TestContext): Promise<string | null> {
  if (requireProgram(t, 'go', { env }) === null) return null
  built ??= (async () => {
    const program = join(folder, 'compose-check')
    const cwd = join(REPOSITORY, 'tools', 'compose-check')
    await run('go', ['build', '-mod=readonly', '-o', program, '.'], { cwd, timeout: BUILD_MS })
    return program
  })()
  return built
}

async function load(program: string, path: string): Promise<ComposeProject> {
  const { stdout } = await run(program, [path], { maxBuffer: 16 * 1024 * 1024 })
  return JSON.parse(stdout) as ComposeProject
}

/** The committed file with one change, as the parser understands it. */
async function changed(program: string, from: string, to: string): Promise<ComposeProject> {
  const text = read('docker-compose.yml')
  assert.ok(text.includes(from), `"${from}" is not in the file`)
  const path = join(folder, 'docker-compose.yml')
  writeFileSync(path, text.replace(from, to))
  return load(program, path)
}

test('docker-compose.yml is understood by the specification’s own parser and keeps the rules', async (t) => {
  const program = await checker(t)
  if (program === null) return
  const project = await load(program, join(REPOSITORY, 'docker-compose.yml'))
  assert.deepEqual(problemsOf(project), [])
  const names = [
    ...SERVICE_NAMES,
    'prepare',
    'prometheus',
    'alertmanager',
    'collector',
    'tempo',
    'loki',
    'grafana',
    'k6',
  ]
  assert.deepEqual(Object.keys(project.services).toSorted(), names.toSorted())
  for (const service of SERVICE_NAMES) {
    assert.equal(project.services[service]?.image, 'sonia:0.1.0')
    assert.equal(project.services[service]?.stop_signal, 'SIGTERM')
  }
  assert.ok(project.services['openclaw']?.security_opt?.some((option) => option.startsWith('seccomp:')))
})

const planted: readonly (readonly [string, string, RegExp])[] = [
  ['user: "10001:10001"', 'user: "0:0"', /runs as root/],
  ['read_only: true', 'read_only: false', /can write to its root/],
  ['"127.0.0.1:7000:7000"', '"7000:7000"', /open beyond loopback/],
  ['prom/prometheus:v3.16.0\n    profiles', 'prom/prometheus:latest\n    profiles', /no pinned image/],
  ['cap_drop: [ALL]', 'cap_drop: []', /keeps capabilities/],
  ['networks: [sonia]', 'networks: [default]', /not on the network/],
  ['  - grafana/tempo:2.7.1\n', '', /neither a digest nor a mark/],
  ['  sonia: {}\n\nvolumes', '  sonia: {}\n  other: {}\n\nvolumes', /not exactly one network/],
]

for (const [from, to, expected] of planted) {
  test(`the rules see ${JSON.stringify(to === '' ? `no ${from}` : to)}`, async (t) => {
    const program = await checker(t)
    if (program === null) return
    assert.match(problemsOf(await changed(program, from, to)).join('\n'), expected)
  })
}

test('the parser refuses an unknown key and a neighbour that does not exist', async (t) => {
  const program = await checker(t)
  if (program === null) return
  await assert.rejects(changed(program, 'stop_signal: SIGTERM', 'stop_sign: SIGTERM'), /stop_sign/)
  await assert.rejects(
    changed(program, 'prometheus: { condition: service_healthy }', 'nobody: { condition: service_healthy }'),
    /nobody/,
  )
})

test('the configuration that compose mounts is what the templates render', () => {
  assert.equal(read('deploy/rendered/prometheus.yml'), composePrometheus(read('prometheus/prometheus.yml')))
  assert.equal(read('deploy/rendered/collector.yaml'), composeCollector(read('otel/collector/config.yaml')))
})

test('no address of the rendered configuration stays on the loopback', () => {
  for (const name of ['prometheus.yml', 'collector.yaml'])
    assert.doesNotMatch(read(`deploy/rendered/${name}`), /127\.0\.0\.1|localhost/)
})

test('the profile for openclaw refuses what no tool needs and allows namespaces', () => {
  const profile = JSON.parse(read('deploy/seccomp-openclaw.json')) as {
    defaultAction: string
    syscalls: { names: string[]; action: string }[]
  }
  const refused = new Set(
    profile.syscalls.flatMap(({ names, action }) => (action === 'SCMP_ACT_ERRNO' ? names : [])),
  )
  for (const name of [
    'ptrace',
    'bpf',
    'kexec_load',
    'keyctl',
    'init_module',
    'io_uring_setup',
    'setns',
    'reboot',
  ])
    assert.ok(refused.has(name), name)
  for (const name of ['clone', 'clone3', 'unshare', 'mount', 'umount2', 'pivot_root', 'execve'])
    assert.ok(!refused.has(name), name)
})
