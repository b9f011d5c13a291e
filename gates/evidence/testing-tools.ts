import { fileURLToPath } from 'node:url'
import { locateTool } from '#tools/locate.ts'

const host = { env: {}, repository: fileURLToPath(new URL('../..', import.meta.url)) }

/** The project's own binaries: tests of evidence run against the real thing. */
export const PROMETHEUS_FILE = (await locateTool('prometheus', host)).path
export const PROMTOOL_FILE = (await locateTool('promtool', host)).path
