import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import fc from 'fast-check'
import { ServiceError } from '#chassis/errors.ts'
import { parseCommand } from './parse-command.ts'

fc.configureGlobal({ seed: 20261124 })

const refused = [
  'ls; id',
  'ls && id',
  'ls || id',
  'ls & id',
  'ls | id',
  'ls > f',
  'ls < f',
  'ls >> f',
  'ls 2>&1',
  'cat << EOF',
  'ls\nid',
  'ls\rid',
  'echo $(id)',
  'echo `id`',
  'echo "$(id)"',
  'echo "`id`"',
  'echo "$HOME"',
  'echo $HOME',
  'echo ${IFS}',
  'ls${IFS}-la',
  'ls *',
  'ls ?',
  'ls [a]',
  'echo {a,b}',
  'echo ~',
  'echo a~',
  'echo # no',
  'ls \\; id',
  'echo "a\\"b"',
  "echo 'a",
  'echo "a',
  '(ls)',
  '{ ls; }',
  '!ls',
  'A=1 ls',
  'a^b',
  '',
  '   ',
  "''=1 ls",
  'ls \u202eabc',
  "echo 'a\u200bb'",
  'ls \0',
  'ls \u00a0-la',
  'echo \ud800',
  'ls\u2028id',
  "echo $'\\x41'",
  'echo <(ls)',
]
for (const command of refused) {
  test(`refuses ${JSON.stringify(command)}`, () => {
    assert.throws(() => parseCommand(command), isShellSyntax)
  })
}

test('refuses a command that is too long or has too many words', () => {
  assert.throws(() => parseCommand('a'.repeat(8_193)), isShellSyntax)
  assert.throws(() => parseCommand('a '.repeat(257)), isShellSyntax)
})

const accepted: readonly [string, readonly string[]][] = [
  ['ls -la docs', ['ls', '-la', 'docs']],
  ["grep -n 'a|b;c' file", ['grep', '-n', 'a|b;c', 'file']],
  ['echo "two words" \'$HOME\'', ['echo', 'two words', '$HOME']],
  ['echo a\'b\'"c"d', ['echo', 'abcd']],
  ["echo ''", ['echo', '']],
  ['date +%Y-%m-%d', ['date', '+%Y-%m-%d']],
  ["find . -name '*.txt'", ['find', '.', '-name', '*.txt']],
  ['\tls   -l ', ['ls', '-l']],
  ["cat 'Grüße 你好.txt'", ['cat', 'Grüße 你好.txt']],
]
for (const [command, argv] of accepted) {
  test(`reads ${JSON.stringify(command)}`, () => {
    assert.deepEqual(parseCommand(command), argv)
  })
}

/** Text made of what shells care about, so that most of it is near a rule. */
const shellText = fc
  .array(
    fc.oneof(
      {
        weight: 6,
        arbitrary: fc.constantFrom(
          'ls',
          'echo',
          'a',
          'é',
          '-n',
          '.',
          '/',
          '=',
          ':',
          '%',
          '+',
          ',',
          '@',
          '你',
        ),
      },
      { weight: 4, arbitrary: fc.constantFrom(' ', '\t', "'", '"') },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          '$',
          '`',
          '\\',
          ';',
          '|',
          '&',
          '*',
          '~',
          '#',
          '{',
          '}',
          '!',
          '(',
          '<',
          '^',
        ),
      },
      { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 2 }) },
    ),
    { maxLength: 16 },
  )
  .map((parts) => parts.join(''))

const BATCH = 64
/** The long form: `node services/openclaw/command/parse-command.test.ts --sh-batches=2000`. */
const flag = process.argv.find((word) => word.startsWith('--sh-batches='))
const BATCHES = Number(flag?.split('=')[1] ?? 40)

test('a real sh reads every accepted command as exactly the same words', (context) => {
  let compared = 0
  fc.assert(
    fc.property(fc.array(shellText, { minLength: BATCH, maxLength: BATCH }), (texts) => {
      const commands = texts.flatMap((text) => {
        const argv = tryParse(text)
        return argv === null ? [] : [{ text, argv }]
      })
      compared += commands.length
      const words = wordsOfShell(commands.map(({ text }) => text))
      assert.deepEqual(
        words,
        commands.map(({ argv }) => argv),
      )
    }),
    { numRuns: BATCHES },
  )
  context.diagnostic(`${compared} accepted commands were compared`)
  assert.ok(compared > 7 * BATCHES, `only ${compared} commands were accepted and compared`)
})

test('the comparison with sh notices a reader that differs', () => {
  assert.notDeepEqual(wordsOfShell(["echo 'a'b"]), [['echo', 'a', 'b']])
})

/** One sh for many commands: each is expanded by the shell as the words of printf, ended by an empty record. */
function wordsOfShell(commands: readonly string[]): string[][] {
  const script = commands.map((command) => `printf '[%s]\\0' ${command}; printf '\\0'`).join('\n')
  const output = execFileSync('sh', {
    input: script,
    env: { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8' },
    encoding: 'utf8',
  })
  const records = output.split('\0\0').slice(0, -1)
  return records.map((record) => record.split('\0').map((word) => word.slice(1, -1)))
}

function tryParse(text: string): readonly string[] | null {
  try {
    return parseCommand(text)
  } catch (error) {
    assert.ok(isShellSyntax(error), `another error for ${JSON.stringify(text)}: ${String(error)}`)
    return null
  }
}

function isShellSyntax(error: unknown): boolean {
  return error instanceof ServiceError && error.details?.['reason'] === 'SHELL_SYNTAX'
}
