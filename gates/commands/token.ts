import { CALLER_NAMES, SERVICE_NAMES } from '#catalog'
import { type CommandArguments, type CommandDefinition, flagOption, textOption } from '../command.ts'
import { CliError, EXIT_CODES } from '../exit-codes.ts'
import { clientOf } from './approvals.ts'
import { HOME_OPTION, RUNNING_PORT_BASE_OPTION } from '../state-options.ts'

export const command: CommandDefinition = {
  name: 'token',
  summary: 'a service token for looking into a running stack, for at most five minutes',
  arguments: [],
  options: [
    { flags: '--as <service>', help: 'the caller that the token names' },
    { flags: '--aud <service>', help: 'the only service that takes it' },
    RUNNING_PORT_BASE_OPTION,
    HOME_OPTION,
    { flags: '--json', help: 'print as JSON' },
  ],
  examples: [
    './sonia token --as api-gateway --aud memory-engine',
    'curl -H "X-Service-Token: $(./sonia token --as api-gateway --aud openclaw)" http://127.0.0.1:7040/tools',
  ],
  async run(args, host) {
    const [subject, audience] = [nameOption(args, 'as', CALLER_NAMES), nameOption(args, 'aud', SERVICE_NAMES)]
    const issued = await clientOf(args, host).token(subject, audience)
    host.stdout.write(flagOption(args, 'json') ? `${JSON.stringify(issued)}\n` : `${issued.token}\n`)
    return EXIT_CODES.passed
  },
}

function nameOption(args: CommandArguments, name: 'as' | 'aud', names: readonly string[]): string {
  const value = textOption(args, name)
  if (value !== undefined && names.includes(value)) return value
  throw new CliError(EXIT_CODES.badUsage, `--${name} ${value ?? 'is needed'}: not a service`, {
    hint: `one of ${names.join(', ')}`,
  })
}
