import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Containment } from './contained-command.ts'
import { programShelf } from './program-identity.ts'
import { PROGRAM_LIMITS } from './program-limits.ts'
import { commandLines, createSpares } from './spares.ts'

const home = mkdtempSync(join(tmpdir(), 'sonia-spares-'))
after(() => rmSync(home, { recursive: true }))
writeFileSync(join(home, 'tool'), '#!/bin/sh\n', { mode: 0o755 })
const shelf = programShelf({ path: home, owners: [0, process.getuid?.() ?? 0] })

/** Contains nothing: these tests are about which spare is given away, not about what it may do. */
const bare: Containment = {
  kind: 'bubblewrap',
  plan: () => assert.fail('no cold start here'),
  planSpare: ({ script }) => ({ file: '/bin/sh', args: ['-c', script], descriptors: [] }),
}

function makeSpares() {
  const settings = {
    rootFd: 0,
    limits: PROGRAM_LIMITS,
    shelf,
    programs: ['tool'],
    cpuSecondsMax: 1,
    count: 1,
  }
  const spares = createSpares({ ...settings, containment: bare })
  assert.ok(spares !== null)
  return spares
}

function identity() {
  const { fd, identity: known } = shelf.open('tool')
  closeSync(fd)
  return known
}

test('a spare that holds another file than the one that was checked is never given away', async () => {
  const spares = makeSpares()
  spares.fill()
  writeFileSync(join(home, 'new'), '#!/bin/sh\nother\n', { mode: 0o755 })
  renameSync(join(home, 'new'), join(home, 'tool'))
  assert.equal(spares.take(identity()), null)
  spares.fill()
  const renewed = spares.take(identity())
  assert.ok(renewed !== null)
  renewed.kill('SIGKILL')
  await spares.close()
})

test('each spare is given away once', async () => {
  const spares = makeSpares()
  spares.fill()
  const first = spares.take(identity())
  assert.ok(first !== null)
  assert.equal(spares.take(identity()), null)
  first.kill('SIGKILL')
  await spares.close()
})

test('a spare becomes exactly the words it is told, whatever they look like', async () => {
  const words = [
    '/usr/bin/printf',
    '[%s]',
    '',
    ' two  words ',
    '$HOME',
    '`id`',
    '\\n',
    '-n',
    "it's",
    '"',
    '*',
    '你好',
  ]
  const spares = makeSpares()
  spares.fill()
  const spare = spares.take(identity())
  assert.ok(spare !== null)
  let output = ''
  spare.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  spare.stderr?.resume()
  spare.stdin?.end(commandLines('/', words))
  await once(spare, 'close', { signal: AbortSignal.timeout(5_000) })
  assert.equal(
    output,
    words
      .slice(2)
      .map((word) => `[${word}]`)
      .join(''),
  )
  await spares.close()
})

test('spares that wait end when the service lets go of them', async () => {
  const spares = makeSpares()
  spares.fill()
  const spare = spares.take(identity())
  assert.ok(spare !== null)
  spare.stdin?.end()
  await once(spare, 'exit', { signal: AbortSignal.timeout(5_000) })
  assert.equal(spare.exitCode, 0)
  await spares.close()
})
