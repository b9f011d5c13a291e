import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { hostForTest } from '../host-for-test.ts'
import { runProgram } from '../program.ts'

async function script(shell: string): Promise<string> {
  const host = hostForTest(['completion', shell])
  assert.equal(await runProgram(host), 0)
  return host.printed.stdout
}

/** What a real bash offers after these words, the last of them half typed. */
async function offered(...words: readonly string[]): Promise<readonly string[]> {
  const typed = ['./sonia', ...words].map((word) => `'${word}'`).join(' ')
  const ask = `COMP_WORDS=(${typed}); COMP_CWORD=${words.length}; _sonia; printf '%s\\n' "\${COMPREPLY[@]}"`
  const text = execFileSync('bash', ['-c', `${await script('bash')}\n${ask}`], { encoding: 'utf8' })
  return text.split('\n').filter((word) => word !== '')
}

test('bash offers the commands, the second words of a family, and the options of each', async () => {
  assert.deepEqual(await offered('stat'), ['status'])
  assert.ok((await offered('release', '')).includes('tag'))
  assert.deepEqual(await offered('gates', '--pro'), ['--profile'])
})

test('bash offers the options of a command after values and arguments as well', async () => {
  assert.deepEqual(await offered('gates', '--profile', 'ci', '--on'), ['--only'])
  assert.deepEqual(await offered('logs', 'openclaw', 'eva-os', '--le'), ['--level'])
  assert.deepEqual(await offered('restore', 'latest', '--dr'), ['--dry-run'])
  assert.deepEqual(await offered('release', 'sign', '--as', 'somebody', '--k'), ['--key'])
})

test('fish and zsh get a script as well', async () => {
  assert.match(await script('fish'), /^complete -c sonia -n __fish_use_subcommand -a up -d /m)
  assert.match(await script('zsh'), /bashcompinit[\s\S]*complete -o default -F _sonia/)
})
