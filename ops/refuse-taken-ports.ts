import { OPS_EXIT, OpsError } from './ops-error.ts'
import { takenPorts } from './process/listening-ports.ts'

/** Exit 69 before anything starts; names each taken port and its holder. */
export function refuseTakenPorts(ports: readonly number[]): void {
  const taken = takenPorts(ports)
  if (taken.length === 0) return
  const list = taken.map(({ port, pid, command }) =>
    pid === undefined
      ? `port ${port} is held by ${command}`
      : `port ${port} is held by pid ${pid} (${shortened(command)})`,
  )
  throw new OpsError(OPS_EXIT.unavailable, list.join('\n       '), {
    hint: './sonia down stops a stack of this state folder; --port-base N moves this one to other ports',
  })
}

const COMMAND_LENGTH_MAX = 100

/** Enough of a command line to know the program by. */
function shortened(command: string): string {
  return command.length > COMMAND_LENGTH_MAX ? `${command.slice(0, COMMAND_LENGTH_MAX)}...` : command
}
