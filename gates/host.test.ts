import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { test } from 'node:test'

const HOST_FILE = new URL('host.ts', import.meta.url).href
/** Work that nobody can ask to stop. */
const DEAF = `
  import { hostOfProcess } from ${JSON.stringify(HOST_FILE)}
  const host = hostOfProcess(process, 200)
  host.interrupted.addEventListener('abort', () => console.log('once'))
  host.interruptedTwice.addEventListener('abort', () => console.log('twice'))
  console.log('ready')
  setInterval(() => undefined, 60_000)
`

test('a second signal ends even work that does not listen, as interrupted', { timeout: 60_000 }, async () => {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', DEAF], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exit = once(child, 'exit')
  const said: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    said.push(line)
    child.kill('SIGINT')
  }
  assert.deepEqual(await exit, [130, null])
  assert.deepEqual(said, ['ready', 'once', 'twice'])
})
