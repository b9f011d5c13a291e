import { once } from 'node:events'
import { createServer } from 'node:net'
import { pid } from 'node:process'
import { CATALOG, portAt, WATCH_PORTS } from '#catalog'
import { takenPorts } from '#ops/process/listening-ports.ts'

const FIRST = 10_000
const BLOCKS = 54
const BLOCK_SIZE = 200

/** The page that browser.open may load stands beside services and watchers. */
const PAGE_PORT = 7097
const PORTS = [...Object.values(CATALOG).map(({ port }) => port), ...Object.values(WATCH_PORTS), PAGE_PORT]

/**
 * The base of a block of ports that is this process's own until it ends, though the stacks in it come and go: test
 * processes run beside each other, and whoever listens on the last port of a block owns it. Blocks lie below the bases
 * that single tests name, and below the ports of outgoing calls.
 */
export async function reservePortBase(): Promise<number> {
  for (let attempt = 0; attempt < BLOCKS; attempt += 1) {
    const base = FIRST + ((pid + attempt * 7) % BLOCKS) * BLOCK_SIZE
    if (!(await holdUntilTheEnd(base + BLOCK_SIZE - 1))) continue
    if (takenPorts(PORTS.map((port) => portAt(port, base))).length === 0) return base
  }
  throw new Error('no free block of ports')
}

async function holdUntilTheEnd(port: number): Promise<boolean> {
  const holder = createServer().unref()
  try {
    await once(holder.listen(port, '127.0.0.1'), 'listening')
    return true
  } catch {
    return false
  }
}
