import { pid } from 'node:process'
import { CATALOG, portAt, WATCH_PORTS } from '#catalog'
import { takenPorts } from '#ops/process/listening-ports.ts'

const FIRST = 10_000
const BLOCKS = 54
const BLOCK_SIZE = 200

/**
 * The base of a block of ports that nobody holds: several test processes run at once, and each begins to look at
 * another block. Below the bases that single tests name, and below the ports of outgoing calls.
 */
export function freePortBase(): number {
  for (let attempt = 0; attempt < BLOCKS; attempt += 1) {
    const base = FIRST + ((pid + attempt * 7) % BLOCKS) * BLOCK_SIZE
    if (takenPorts(PORTS.map((port) => portAt(port, base))).length === 0) return base
  }
  throw new Error('no free block of ports')
}

/** The page that browser.open may load stands beside services and watchers. */
const PAGE_PORT = 7097
const PORTS = [...Object.values(CATALOG).map(({ port }) => port), ...Object.values(WATCH_PORTS), PAGE_PORT]
