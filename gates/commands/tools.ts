import { buildMissing } from '#tools/build.ts'
import { COMPONENTS, TOOL_NAMES } from '#tools/components.ts'
import { findTool } from '#tools/locate.ts'
import { buildProgressPrinter } from '#tools/progress.ts'
import { type CommandDefinition, flagOption } from '../command.ts'
import { CliError, EXIT_CODES } from '../exit-codes.ts'
import type { Host } from '../host.ts'

const ACTIONS = ['list', 'build', 'check']

export const command: CommandDefinition = {
  name: 'tools',
  summary: 'list, build or check the native components (k6, Prometheus, Alertmanager, Collector)',
  arguments: [{ name: '[action]', help: `${ACTIONS.join(', ')} (default: list)` }],
  options: [{ flags: '--json', help: 'print as JSON' }],
  examples: [
    './sonia tools',
    './sonia tools build',
    './sonia tools check   # exit code 69 when one is missing',
  ],
  async run(args, host) {
    const action = args.positionals[0] ?? 'list'
    if (!ACTIONS.includes(action)) {
      throw new CliError(EXIT_CODES.badUsage, `tools: unknown action "${action}"`, {
        hint: `one of ${ACTIONS.join(', ')}`,
      })
    }
    if (action === 'build') await buildMissing(host, buildProgressPrinter(host))
    const rows = await toolRows(host)
    host.stdout.write(flagOption(args, 'json') ? `${JSON.stringify({ tools: rows })}\n` : table(rows))
    const isMissing = rows.some(({ path }) => path === null)
    return isMissing && action === 'check' ? EXIT_CODES.componentMissing : EXIT_CODES.passed
  },
}

interface ToolRow {
  readonly name: string
  readonly pinned: string
  readonly version: string | null
  readonly origin: string | null
  readonly path: string | null
}

async function toolRows(host: Host): Promise<readonly ToolRow[]> {
  return Promise.all(
    TOOL_NAMES.map(async (name) => {
      const found = await findTool(name, host)
      const component = COMPONENTS.find(({ binaries }) => binaries.some((binary) => binary.name === name))
      return {
        name,
        pinned: component?.version ?? '',
        version: found?.version ?? null,
        origin: found?.origin ?? null,
        path: found?.path ?? null,
      }
    }),
  )
}

function table(rows: readonly ToolRow[]): string {
  const lines = rows.map(
    ({ name, pinned, version, origin, path }) =>
      `${name.padEnd(13)} ${pinned.padEnd(8)} ${path === null ? 'missing: ./sonia tools build' : `${version}  ${origin}  ${path}`}`,
  )
  return `${lines.join('\n')}\n`
}
