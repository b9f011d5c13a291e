import { join } from 'node:path'
import {
  type CommandArguments,
  type CommandDefinition,
  flagOption,
  type OptionSpec,
  textOption,
} from '../command.ts'
import { homeOf } from '#ops/command-settings.ts'
import { exitCodeOf } from '../evidence/findings.ts'
import { loadMachineKey } from '../evidence/machine-key.ts'
import { EXIT_CODES, type ExitCode, knownExitCode } from '../exit-codes.ts'
import type { Host } from '../host.ts'
import { SIGN_OFF_TOPICS } from '../release/policy.ts'
import {
  artifactsFolder,
  keyFileOption,
  releaseOptions,
  requiredOption,
  topicOption,
} from '../release/release-inputs.ts'
import { ReleaseRefused } from '../release/release-refused.ts'
import { type ReleaseState, releaseState } from '../release/release-state.ts'
import { explanationText, stateJson, stateText } from '../release/release-text.ts'
import { sealRelease } from '../release/seal-release.ts'
import { type Decision } from '../release/sign-off.ts'
import { signBundle } from '../release/sign-bundle.ts'
import { HOME_OPTION } from '../state-options.ts'

const COMMON: readonly OptionSpec[] = [
  { flags: '--bundle <folder>', help: 'the evidence (default: the newest under artifacts/)' },
  { flags: '--policy <file>', help: 'release policy (default: config/release-policy.json)' },
  {
    flags: '--policy-signers <file>',
    help: 'allowed-signers file of those who may change the policy (default: config/policy_signers of the state folder)',
  },
  HOME_OPTION,
  { flags: '--json', help: 'print as JSON' },
]

const SIGNING: readonly OptionSpec[] = [
  { flags: '--as <person>', help: 'who signs, as the policy names them' },
  { flags: '--key <file>', help: 'SSH key to sign with (default: user.signingkey of git)' },
]

const TOPIC: OptionSpec = { flags: '--gate <name>', help: `one of ${SIGN_OFF_TOPICS.join(', ')}` }
const REASON: OptionSpec = {
  flags: '--reason <text>',
  help: 'why, as part of what is signed; reject and hold need it',
}

export const releaseCommands: readonly CommandDefinition[] = [
  showing('status', 'show which gates passed, who signed, and whether the release is open', stateText),
  showing('explain', 'say what is missing for a release, and who could sign it', explanationText),
  signing('sign', 'approve', 'sign off a gate, or the decision to release, with your SSH key'),
  signing('reject', 'reject', 'refuse a gate or the release, with a reason; it vetoes until withdrawn'),
  signing('hold', 'hold', 'hold a gate or the release for now, with a reason; it vetoes until withdrawn'),
  signing('revoke', 'withdraw', 'withdraw what you said about a gate or the release'),
  {
    name: 'release tag',
    summary: 'seal the release and tag its commit under both names, if and only if nothing stands in the way',
    options: [...SIGNING, ...COMMON],
    arguments: [],
    examples: ['./sonia release tag --as <person> --key ~/.ssh/id_ed25519'],
    run: (args, host) => refusing(args, host, () => tag(args, host)),
  },
]

function showing(name: string, summary: string, render: (state: ReleaseState) => string): CommandDefinition {
  return {
    name: `release ${name}`,
    summary,
    options: COMMON,
    arguments: [],
    examples: [`./sonia release ${name}`],
    async run(args, host) {
      const state = await releaseState(await releaseOptions(args, host))
      const isJson = flagOption(args, 'json')
      host.stdout.write(isJson ? `${JSON.stringify(stateJson(state))}\n` : render(state))
      return knownExitCode(exitCodeOf(state.findings))
    },
  }
}

function signing(name: string, decision: Decision, summary: string): CommandDefinition {
  return {
    name: `release ${name}`,
    summary,
    options: [TOPIC, ...SIGNING, REASON, ...COMMON],
    arguments: [],
    examples: [
      `./sonia release ${name} --gate soak --as <person> --key ~/.ssh/id_ed25519${mustSayWhy(decision) ? ' --reason "..."' : ''}`,
    ],
    run: (args, host) => refusing(args, host, () => sign(args, host, decision)),
  }
}

function mustSayWhy(decision: Decision): boolean {
  return decision === 'reject' || decision === 'hold'
}

async function sign(args: CommandArguments, host: Host, decision: Decision): Promise<ExitCode> {
  const topic = topicOption(args)
  const person = requiredOption(args, 'as')
  const keyFile = await keyFileOption(args, host)
  const options = await releaseOptions(args, host)
  const reason = textOption(args, 'reason') ?? null
  const name = await signBundle({ ...options, topic, person, keyFile, decision, reason })
  say(args, host, { decision, topic, person, file: name }, `${decision} of ${topic} by ${person}: ${name}`)
  return EXIT_CODES.passed
}

async function tag(args: CommandArguments, host: Host): Promise<ExitCode> {
  const person = requiredOption(args, 'as')
  const keyFile = await keyFileOption(args, host)
  const options = await releaseOptions(args, host)
  const sealed = await sealRelease({
    ...options,
    repository: host.repository,
    artifactsFolder: artifactsFolder(host),
    machineKey: await loadMachineKey(join(homeOf(host), 'config')),
    person,
    keyFile,
  })
  say(args, host, sealed, `tagged ${sealed.tags.join(' and ')}\nsealed ${sealed.path}`)
  return EXIT_CODES.passed
}

function say(args: CommandArguments, host: Host, value: unknown, text: string): void {
  host.stdout.write(flagOption(args, 'json') ? `${JSON.stringify(value)}\n` : `${text}\n`)
}

/** A refusal is an answer, not a failure of the program: each objection on a line, and its class as exit code. */
async function refusing(args: CommandArguments, host: Host, act: () => Promise<ExitCode>): Promise<ExitCode> {
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof ReleaseRefused)) throw error
    const lines = error.findings.map((one) => `${one.code.padEnd(26)} ${one.sentence}`)
    say(args, host, { refused: error.findings }, `refused\n${lines.join('\n')}`)
    return knownExitCode(error.exitCode)
  }
}
