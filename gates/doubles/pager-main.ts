import { parseArgs } from 'node:util'
import { startPager } from './pager.ts'

// The receiver as a process of its own: one JSON line with its address, then one line per notice; ends at SIGTERM.
const { values } = parseArgs({ options: { port: { type: 'string', default: '0' } } })
const pager = await startPager({ port: Number(values.port), nowMs: () => performance.now() })
process.stdout.write(`${JSON.stringify({ url: pager.url })}\n`)
let told = 0
const timer = setInterval(() => {
  for (; told < pager.notices.length; told += 1)
    process.stdout.write(`${JSON.stringify(pager.notices[told])}\n`)
}, 100)
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    clearInterval(timer)
    void pager.stop().then(() => process.exit(0))
  })
}
