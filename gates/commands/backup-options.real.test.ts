import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { env } from 'node:process'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url))
const root = mkdtempSync(join(tmpdir(), 'sonia-options-'))
after(() => rmSync(root, { recursive: true }))

const HANGS_AFTER_MS = 60_000

interface Ended {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

function sonia(...argv: readonly string[]): Promise<Ended> {
  const options = {
    cwd: root,
    env: {
      PATH: env['PATH'] ?? '',
      NODE_COMPILE_CACHE: env['NODE_COMPILE_CACHE'],
      HOME: root,
      NO_COLOR: '1',
    },
    timeout: HANGS_AFTER_MS,
  }
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...argv], options, (error, stdout, stderr) => {
      resolve({ exitCode: error === null ? 0 : Number(error.code ?? -1), stdout, stderr })
    })
  })
}

/** What it printed as JSON, after it ended well. */
async function answer(...argv: readonly string[]): Promise<Record<string, unknown>> {
  const { exitCode, stdout, stderr } = await sonia(...argv)
  assert.equal(exitCode, 0, stderr + stdout)
  return JSON.parse(stdout) as Record<string, unknown>
}

function freshHome(name: string): string {
  const home = join(root, name)
  mkdirSync(join(home, 'config/policies'), { recursive: true })
  writeFileSync(join(home, 'config/sonia.json'), '{"log_level":"INFO"}')
  writeFileSync(join(home, 'config/policies/default.json'), '{"rules":[]}')
  return home
}

test('every option of backup, backups and restore does what help says', async () => {
  const home = freshHome('home')
  const [settings, policy] = [join(home, 'config/sonia.json'), join(home, 'config/policies/default.json')]
  const made = await answer('backup', '--home', home, '--json')
  assert.deepEqual([made['verified'], made['removed']], [true, []])
  const aside = await answer('backup', '--home', 'home', '--to', 'aside', '--json')
  assert.equal(aside['path'], join(root, 'aside', String(aside['id'])))
  const { backups } = await answer('backups', 'list', '--home', home, '--json')
  assert.deepEqual(
    (backups as { id: string; verified: boolean }[]).map(({ id, verified }) => [id, verified]),
    [[made['id'], true]],
  )
  writeFileSync(settings, '{"log_level":"DEBUG"}')
  writeFileSync(policy, '{"rules":{}}')
  const trial = await answer('restore', 'latest', '--home', home, '--dry-run', '--json')
  assert.deepEqual([trial['id'], trial['dry_run'], trial['safety_folder']], [made['id'], true, null])
  const part = await answer('restore', String(made['id']), '--home', home, '--only', 'policies', '--json')
  assert.deepEqual(part['replaced'], ['config/policies/default.json'])
  assert.equal(readFileSync(settings, 'utf8'), '{"log_level":"DEBUG"}')
  const path = join('aside', basename(String(aside['path'])))
  const key = join(home, 'config/backup.pub')
  for (const [to, key_] of [
    ['other', []],
    ['third', ['--key', key]],
  ] as const) {
    const from = key_.length === 0 ? home : freshHome('stranger')
    await answer('restore', path, '--home', from, '--to', to, ...key_, '--json')
    assert.equal(readFileSync(join(root, to, 'config/sonia.json'), 'utf8'), '{"log_level":"INFO"}')
  }
  const untrusted = await sonia('restore', path, '--home', join(root, 'stranger'), '--to', 'fourth')
  assert.deepEqual([untrusted.exitCode, existsSync(join(root, 'fourth'))], [65, false], untrusted.stderr)
})

const COMMANDS: readonly (readonly string[])[] = [
  ['up', '--port-base', '21400'],
  ['backup'],
  ['backups', 'list'],
  ['preflight', '--port-base', '21400'],
  ['gates', '--profile', 'ci', '--port-base', '21400'],
  ['drill', 'restore', '--port-base', '21400'],
]

const KINDS = [
  ['pipe', (path: string) => execFileSync('mkfifo', [path])],
  ['folder', (path: string) => mkdirSync(path, { recursive: true })],
] as const

for (const [kind, make] of KINDS) {
  test(`a sonia.json that is a ${kind} holds up no command: each says what is where, and what to try`, async () => {
    const home = freshHome(kind)
    const backup = await answer('backup', '--home', home, '--json')
    const settings = join(home, 'config/sonia.json')
    rmSync(settings)
    make(settings)
    const before = readdirSync(home, { recursive: true })
    for (const argv of COMMANDS) {
      const { exitCode, stdout, stderr } = await sonia(...argv, '--home', home)
      assert.equal(exitCode, 65, `${argv.join(' ')}: ${stderr}`)
      assert.ok((stdout + stderr).includes(`${settings} is a ${kind}, not a file`), argv.join(' '))
    }
    assert.ok(before.every((name) => existsSync(join(home, String(name)))))
    await answer('restore', String(backup['id']), '--home', home, '--only', 'configuration', '--json')
    assert.equal(readFileSync(settings, 'utf8'), '{"log_level":"INFO"}')
  })
}
