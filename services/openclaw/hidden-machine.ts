import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildOpenclaw } from './testing.ts'

/** Run by hidden-machine.real.test.ts on a machine that lacks something: reports what openclaw does there. */
const openclaw = await buildOpenclaw({ config: { browser: { engine: 'http' } } })
writeFileSync(join(openclaw.home, 'sandbox', 'a.txt'), 'alpha')
const [shell, read, write] = await Promise.all([
  openclaw.execute('shell.run', { command: 'cat a.txt' }),
  openclaw.execute('file.read', { path: 'a.txt' }),
  openclaw.execute('file.write', { path: 'b.txt', content: 'b' }),
])
const health = await openclaw.app.inject({ url: '/healthz' })
const tools = await openclaw.app.inject({ url: '/tools', headers: await openclaw.headersFrom('api-gateway') })
const report = { shell, read, write, health: health.json<unknown>(), tools: tools.json<unknown>() }
process.stdout.write(`${JSON.stringify(report)}\n`)
await openclaw.stop()
