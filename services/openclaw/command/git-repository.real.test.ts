import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type Openclaw, buildOpenclaw } from '../testing.ts'

/** A commit that claims to be signed: showing its signature makes git start the program that its configuration names. */
const COMMIT = `tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904
author a <a@example.org> 1 +0000
committer a <a@example.org> 1 +0000
gpgsig -----BEGIN PGP SIGNATURE-----
 
 aaaa
 -----END PGP SIGNATURE-----

first
`
const CONFIGURATION = `[format]
pretty = %h %G? %GG
[log]
showSignature = true
[gpg]
program = /sandbox/build.sh
[gpg "openpgp"]
program = /sandbox/build.sh
`

let openclaw: Openclaw
let sandbox: string

before(async () => {
  openclaw = await buildOpenclaw({ config: { browser: { engine: 'http' } } })
  sandbox = join(openclaw.home, 'sandbox')
  writeFileSync(join(sandbox, 'build.sh'), '#!/bin/sh\necho ran >/sandbox/started\n', { mode: 0o755 })
  makeRepository(join(sandbox, 'plain'), ['--bare'])
  makeRepository(join(sandbox, 'project'), [])
})
after(() => openclaw.stop())

function makeRepository(folder: string, options: readonly string[]): void {
  mkdirSync(folder)
  const git = (args: readonly string[], input = '') =>
    execFileSync('git', ['-C', folder, ...args], { input, stdio: ['pipe', 'pipe', 'ignore'] }).toString()
  git(['init', '-q', ...options])
  const id = git(['hash-object', '-t', 'commit', '-w', '--stdin'], COMMIT).trim()
  const place = options.length === 0 ? join(folder, '.git') : folder
  writeFileSync(join(place, 'HEAD'), `${id}\n`)
  writeFileSync(join(place, 'config'), `${readFileSync(join(place, 'config'), 'utf8')}${CONFIGURATION}`)
}

async function log(cwd: string) {
  const { body } = await openclaw.execute('shell.run', { command: 'git log -n 1' }, { cwd })
  return body.result ?? {}
}

test('a folder that only looks like a repository, which file.write can make, is none', async () => {
  const { exit_code: exitCode, stdout } = await log('plain')
  assert.deepEqual([exitCode, stdout], [128, ''])
  assert.equal(existsSync(join(sandbox, 'started')), false)
})

test('the configuration of a repository starts no program, however log is told to show commits', async () => {
  const { exit_code: exitCode, stdout } = await log('project')
  assert.equal(exitCode, 0)
  assert.match(String(stdout), /^commit [0-9a-f]{40}\nAuthor: /)
  assert.equal(existsSync(join(sandbox, 'started')), false)
})
