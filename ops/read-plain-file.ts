import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { OPS_EXIT, OpsError } from './ops-error.ts'

/**
 * The bytes of a file that somebody else may have put there. A pipe, which would be waited for without end, a folder or
 * a device is refused with exit code 65; what the system says of a file that is absent or shut is thrown as it is.
 */
export function readPlainFile(path: string): Buffer {
  // Without O_NONBLOCK opening a pipe already waits for a writer.
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const found = fstatSync(file)
    if (found.isFile()) return readFileSync(file)
    const kind = found.isDirectory() ? 'folder' : found.isFIFO() ? 'pipe' : 'device'
    throw new OpsError(OPS_EXIT.badInput, `${path} is a ${kind}, not a file`, {
      hint: `move it away: mv ${path} ${path}.aside; what is missing gets its default at the next start`,
    })
  } finally {
    closeSync(file)
  }
}
