import { execFile } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import {
  appendFile,
  chown,
  link,
  mkdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { createServer, type ListenOptions } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { CATALOG, SERVICE_NAMES, portAt } from '#catalog'
import { pagePort } from '../runners/page-server.ts'

/** Appears in no answer, ever: it stands in a file outside the sandbox. */
export const SECRET_TEXT = 'CANARY-7f1d0c5e-NOBODY-MAY-READ-THIS'

/** The surroundings of the corpus: a sandbox with files to attack, secrets outside, and a listener nobody may call. */
export interface CorpusWorld {
  readonly home: string
  readonly sandbox: string
  readonly outside: string
  /** Values for `{{name}}` in requests. */
  readonly values: Readonly<Record<string, string>>
  readonly connections: () => number
  readonly close: () => Promise<void>
}

const run = promisify(execFile)

/** Folder of the sandbox that the corpus owns, and the one that the seed's own example names. */
export const FIXTURE_FOLDERS = ['security', 'data'] as const

export async function createWorld(home: string, portBase: number): Promise<CorpusWorld> {
  const sandbox = await sandboxOf(home)
  const outside = join(home, 'corpus-outside')
  await removeFixtures(sandbox, outside)
  await makeOutside(outside)
  await makeFixtures(sandbox, outside)
  const listener = await listen()
  const unixSocket = await listenIn(join(sandbox, 'security'))
  const ports = SERVICE_NAMES.map(
    (name) => [`port.${name}`, String(portAt(CATALOG[name].port, portBase))] as const,
  )
  return {
    home,
    sandbox,
    outside,
    values: {
      home,
      sandbox,
      outside,
      listener: `127.0.0.1:${listener.port}`,
      page: `127.0.0.1:${pagePort(portBase)}`,
      ...Object.fromEntries(ports),
    },
    connections: () => listener.connections() + unixSocket.connections(),
    close: async () => {
      await Promise.all([listener.close(), unixSocket.close()])
      await removeFixtures(sandbox, outside)
    },
  }
}

/** Where this stack's sandbox is, by its own configuration. */
async function sandboxOf(home: string): Promise<string> {
  const text = await readFile(join(home, 'config', 'sonia.json'), 'utf8').catch(() => '{}')
  const { sandbox_root: root } = JSON.parse(text) as { sandbox_root?: string }
  return resolve(home, root ?? 'sandbox')
}

async function removeFixtures(sandbox: string, outside: string): Promise<void> {
  const folders = [...FIXTURE_FOLDERS.map((name) => join(sandbox, name)), outside]
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })))
}

async function makeOutside(outside: string): Promise<void> {
  await mkdir(join(outside, 'docs'), { recursive: true, mode: 0o755 })
  for (const name of ['secret.txt', 'a.txt', 'docs/a.txt', 'only-outside.txt']) {
    await writeFile(join(outside, name), SECRET_TEXT)
  }
}

/** Plain files for the benign twins, and one of each kind of thing that must not be served. */
async function makeFixtures(sandbox: string, outside: string): Promise<void> {
  const folder = join(sandbox, 'security')
  await mkdir(join(folder, 'docs'), { recursive: true, mode: 0o755 })
  await mkdir(join(folder, 'work'), { mode: 0o755 })
  await mkdir(join(sandbox, 'data'), { mode: 0o755 })
  await writeFile(join(folder, 'docs', 'a.txt'), 'alpha\nbeta\n')
  await writeFile(join(folder, 'docs', 'b.txt'), 'alpha\ngamma\n')
  await writeFile(join(folder, 'docs', 'numbers.json'), '{"n": 42}\n')
  await writeFile(join(folder, 'victim.txt'), 'untouched\n')
  const secret = join(outside, 'secret.txt')
  await symlink(secret, join(sandbox, 'data', 'link-to-secret'))
  await symlink(secret, join(folder, 'link'))
  await symlink('link', join(folder, 'chain'))
  await symlink(outside, join(folder, 'folder-link'))
  await symlink('docs', join(folder, 'inner-link'))
  await symlink('/proc/self/environ', join(folder, 'magic'))
  await symlink(join(outside, 'not-there-yet'), join(folder, 'dangling'))
  await link(secret, join(folder, 'hard'))
  await run('mkfifo', [join(folder, 'fifo')])
  await writeFile(join(folder, 'large'), '')
  await truncate(join(folder, 'large'), 10 * 1024 * 1024 + 1)
  await makeRepository(join(folder, 'repository'))
  await giveAway(sandbox, [folder, join(folder, 'docs'), join(folder, 'work')])
}

/** A commit that claims to be signed, in what looks like a repository, whose configuration names who is to check it. */
const SIGNED_COMMIT = `tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904
author a <a@example.org> 1 +0000
committer a <a@example.org> 1 +0000
gpgsig -----BEGIN PGP SIGNATURE-----
 
 aaaa
 -----END PGP SIGNATURE-----

first
`
const STARTING_CONFIGURATION = '[format]\npretty = %G?\n[gpg]\nprogram = /sandbox/security/repository/start\n'
const START = '#!/bin/sh\nrm -f /sandbox/security/victim.txt\ntouch /sandbox/security/sonia-corpus-marker\n'

async function makeRepository(folder: string): Promise<void> {
  await run('git', ['init', '-q', '--bare', '--template=', folder])
  const commit = join(folder, 'commit')
  await writeFile(commit, SIGNED_COMMIT)
  const { stdout } = await run('git', ['-C', folder, 'hash-object', '-t', 'commit', '-w', commit])
  await writeFile(join(folder, 'HEAD'), stdout)
  await appendFile(join(folder, 'config'), STARTING_CONFIGURATION)
  await writeFile(join(folder, 'start'), START, { mode: 0o755 })
}

/** The folders belong to whoever the sandbox belongs to, as those that openclaw makes do. */
async function giveAway(sandbox: string, folders: readonly string[]): Promise<void> {
  const { uid, gid } = await stat(sandbox)
  if (process.getuid?.() === 0) await Promise.all(folders.map((folder) => chown(folder, uid, gid)))
}

/** A socket among the files; addressed by descriptor, since paths of sockets are short. */
async function listenIn(folder: string) {
  const fd = openSync(folder, 'r')
  try {
    return await listen({ path: `/proc/self/fd/${fd}/socket` })
  } finally {
    closeSync(fd)
  }
}

async function listen(where: ListenOptions = { port: 0, host: '127.0.0.1' }) {
  let connections = 0
  const server = createServer((socket) => {
    connections++
    socket.destroy()
  })
  await new Promise<void>((done) => server.listen(where, done))
  return {
    port: (server.address() as AddressInfo | null)?.port,
    connections: () => connections,
    close: () => new Promise<void>((done) => server.close(() => done())),
  }
}
