import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import packageFile from '../package.json' with { type: 'json' }
import { ToolError } from '#tools/tool-error.ts'
import type { CommandDefinition } from './command.ts'
import { allCommands, commandsFor } from './commands.ts'
import { CliError } from './exit-codes.ts'
import { hostForTest } from './host-for-test.ts'
import { runProgram } from './program.ts'

const COMMANDS = await allCommands()

async function run(argv: readonly string[], commands?: readonly CommandDefinition[]) {
  const host = hostForTest(argv)
  const exitCode = await runProgram(host, commands)
  return { exitCode, ...host.printed }
}

function failing(error: unknown): CommandDefinition {
  const run = () => Promise.reject(error as Error)
  return {
    name: 'fail',
    summary: 'fails',
    options: [{ flags: '--json', help: '' }],
    arguments: [],
    examples: [],
    run,
  }
}

const BAD_USAGE: readonly (readonly string[])[] = [
  ['nonsense'],
  ['backups', 'remove'],
  ['completion', 'tcsh'],
  ['gates', 'attach', 'nonsense'],
  ['gates', '--nonsense'],
  ['gates', '--profile', 'nightly'],
  ['gates', '--only', 'go-no-go,nonsense'],
  ['gates', '--port-base', 'many'],
  ['gates', '--port-base', '70000'],
  ['plan', '--profile', ''],
  ['verify'],
]
for (const argv of BAD_USAGE) {
  test(`"${argv.join(' ')}" is bad usage: 64, with something to try`, async () => {
    const { exitCode, stderr } = await run(argv)
    assert.equal(exitCode, 64)
    assert.match(stderr, /try:|--help/)
  })
}

test('an expected failure says what failed and what to try, with its own exit code', async () => {
  const error = new CliError(65, 'the file is broken', { hint: 'mend it' })
  const { exitCode, stderr } = await run(['fail'], [failing(error)])
  assert.equal(exitCode, 65)
  assert.equal(stderr, 'sonia: the file is broken\n  try: mend it\n')
})

test('a failure of the tools keeps its exit code', async () => {
  assert.equal((await run(['fail'], [failing(new ToolError('no k6', { hint: 'build it' }))])).exitCode, 69)
})

test('an unexpected failure is internal, and shows no stack', async () => {
  const { exitCode, stderr } = await run(['fail'], [failing(new TypeError('x is not a function'))])
  assert.equal(exitCode, 70)
  assert.doesNotMatch(stderr, /at .*\.ts/)
})

test('with --json a failure is one JSON object on standard output', async () => {
  const { stdout, stderr } = await run(
    ['fail', '--json'],
    [failing(new CliError(65, 'broken', { hint: 'mend it' }))],
  )
  assert.deepEqual(JSON.parse(stdout), { error: { message: 'broken', hint: 'mend it', exit_code: 65 } })
  assert.equal(stderr, '')
})

test('an interrupted run ends with 130, whatever broke on its way out, and says how to go on', async () => {
  const host = hostForTest(['fail'])
  host.interrupt()
  assert.equal(await runProgram(host, [failing(new TypeError('consequence'))]), 130)
  assert.equal(
    host.printed.stderr,
    'sonia: interrupted; what was started has been stopped\n  try: ./sonia fail, which begins anew\n',
  )
})

test('what an interrupted command knows better is said instead', async () => {
  const host = hostForTest(['fail'])
  host.interrupt()
  const own = new CliError(130, 'interrupted; 2 of 3 are done', { hint: './sonia fail third' })
  assert.equal(await runProgram(host, [failing(own)]), 130)
  assert.equal(host.printed.stderr, 'sonia: interrupted; 2 of 3 are done\n  try: ./sonia fail third\n')
})

test('a word that is no command is named, with the commands that begin alike, whatever follows it', async () => {
  const { stderr } = await run(['releas', 'tag'])
  assert.equal(
    stderr,
    'sonia: there is no command "releas"\n  try: ./sonia restore, ./sonia release; ./sonia --help lists all commands\n',
  )
  const { stdout } = await run(['fly', '--json'])
  assert.match(stdout, /there is no command \\"fly\\"/)
})

test('without a command it says what to do first; each family says what it is for', async () => {
  const first = await run([])
  assert.equal(first.exitCode, 0)
  assert.match(first.stdout, /\.\/sonia up /)
  const { stdout } = await run(['--help'])
  for (const family of ['approvals', 'release', 'drill'])
    assert.match(stdout, new RegExp(`  ${family} +\\w+ `))
})

test('a command is read without the others, and is what it was typed as', async () => {
  for (const { name } of COMMANDS) {
    const meant = await commandsFor([...name.split(' '), '--help'])
    assert.ok(meant.some((command) => command.name === name) && meant.length < COMMANDS.length / 2, name)
  }
  assert.equal((await commandsFor(['fly'])).length, COMMANDS.length)
  assert.deepEqual(await commandsFor(['--version']), [])
})

for (const { name, summary } of COMMANDS) {
  test(`"${name} --help" says what it is for`, async () => {
    const { exitCode, stdout } = await run([...name.split(' '), '--help'])
    assert.equal(exitCode, 0)
    assert.match(
      stdout.replaceAll(/\s+/g, ' '),
      new RegExp(summary.slice(0, 30).replaceAll(/[^A-Za-z ]/g, '.')),
    )
  })
}

test('the plan says what a short profile cannot judge, and that a long one judges all of it', async () => {
  const short = JSON.parse((await run(['plan', '--profile', 'ci', '--json'])).stdout) as {
    not_judged: unknown[]
  }[]
  const long = JSON.parse((await run(['plan', '--profile', 'release', '--json'])).stdout) as {
    not_judged: unknown[]
  }[]
  assert.ok(short.some(({ not_judged }) => not_judged.length > 0))
  assert.ok(long.every(({ not_judged }) => not_judged.length === 0))
})

test('a state folder that is a file is refused before anything starts', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sonia-cli-'))
  try {
    const file = join(folder, 'file')
    await import('node:fs/promises').then(({ writeFile }) => writeFile(file, ''))
    const { exitCode, stderr } = await run([
      'gates',
      '--profile',
      'ci',
      '--port-base',
      '28400',
      '--home',
      file,
    ])
    assert.equal(exitCode, 69, stderr)
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('--version prints the version, and nothing else', async () => {
  const { exitCode, stdout } = await run(['--version'])
  assert.deepEqual([exitCode, stdout], [0, `${packageFile.version}\n`])
})
