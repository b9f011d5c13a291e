import { closeSync, readFileSync, readdirSync } from 'node:fs'

const STANDARD_DESCRIPTORS_MAX = 2
const CLOSE_ON_EXEC = 0o2_000_000

/**
 * Closes what the parent process left open for its children. Node opens everything close-on-exec, so a descriptor
 * above 2 without that mark was inherited, belongs to nobody here, and would reach every contained program.
 */
export function closeInheritedDescriptors(): number {
  let closed = 0
  for (const entry of readdirSync('/proc/self/fd')) {
    const fd = Number(entry)
    if (fd <= STANDARD_DESCRIPTORS_MAX || !survivesExec(fd)) continue
    closeSync(fd)
    closed++
  }
  return closed
}

function survivesExec(fd: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1]
    return flags !== undefined && (Number.parseInt(flags, 8) & CLOSE_ON_EXEC) === 0
  } catch {
    // The descriptor of the listing itself is gone by now.
    return false
  }
}
