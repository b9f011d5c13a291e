import { takenPorts } from '../../process/listening-ports.ts'
import type { PreflightOptions } from '../options.ts'
import { type Check, problem } from '../report.ts'

export function portsCheck({ ports }: PreflightOptions): Check {
  return {
    id: 'ports',
    title: 'the ports of the set are free',
    run() {
      if (ports.length === 0)
        return { notApplicable: 'the stack of this state folder runs and holds its ports' }
      const findings = takenPorts(ports).map(({ port, pid, command }) =>
        problem(`port ${port} is held by ${pid === undefined ? command : `pid ${pid} (${command})`}`),
      )
      return { looked: `${ports.length} ports`, findings }
    },
  }
}
