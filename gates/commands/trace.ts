import { homeOf } from '#ops/command-settings.ts'
import { stateHome } from '#ops/state-home.ts'
import { spansOfCorrelation, type TraceSpan } from '#ops/traces/otlp-file.ts'
import { renderWaterfall } from '#ops/traces/waterfall.ts'
import { watchFolders } from '#ops/watch-files.ts'
import { type CommandDefinition, flagOption } from '../command.ts'
import { CliError, EXIT_CODES } from '../exit-codes.ts'
import { HOME_OPTION } from '../state-options.ts'
import { wireNames } from '../wire-names.ts'

export const command: CommandDefinition = {
  name: 'trace',
  summary: 'the spans of one request as a waterfall',
  arguments: [{ name: '<correlation-id>', help: 'as in the header X-Correlation-ID and in every log line' }],
  options: [HOME_OPTION, { flags: '--json', help: 'print as JSON' }],
  examples: ['./sonia trace req_0123456789abcdefghijkl'],
  async run(args, host) {
    const correlationId = args.positionals[0] ?? ''
    const { traces } = watchFolders(stateHome(homeOf(host)))
    const spans = await spansOfCorrelation(traces, correlationId)
    if (spans.length === 0) {
      throw new CliError(EXIT_CODES.badInput, `no trace holds the correlation id "${correlationId}"`, {
        hint: `spans arrive within a second; ./sonia logs --correlation-id ${correlationId} looks into the logs`,
      })
    }
    host.stdout.write(
      flagOption(args, 'json') ? `${JSON.stringify(spans.map(jsonOf))}\n` : renderWaterfall(spans),
    )
    return EXIT_CODES.passed
  },
}

function jsonOf(span: TraceSpan) {
  const { attributes, startNs, endNs, ...others } = span
  const named = wireNames({ ...others, parentSpanId: span.parentSpanId }) as object
  return { ...named, start_ns: String(startNs), end_ns: String(endNs), attributes }
}
