import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { resolve } from 'node:path'
import { locateTool } from '#tools/locate.ts'
import { type CommandArguments, type CommandDefinition, flagOption, textOption } from '../command.ts'
import { NO_TRUST, type Trust, trustFromAllowedSigners, trustFromKey } from '../evidence/trust.ts'
import { type Answer, type Verification, verifyBundle } from '../evidence/verify-bundle.ts'
import { ProgramNotStarted } from '../evidence/run-process.ts'
import { CliError, EXIT_CODES, knownExitCode } from '../exit-codes.ts'
import type { Host } from '../host.ts'
import { CloneNotAsked } from '../release/check-clone.ts'
import { checkRelease } from '../release/check-release.ts'
import { wireNames } from '../wire-names.ts'

export const command: CommandDefinition = {
  name: 'verify',
  summary: 'check an evidence bundle: files whole, signed by whom you trust, verdict derived again',
  arguments: [{ name: '<bundle>', help: 'folder of the bundle, such as artifacts/<run-id>' }],
  options: [
    { flags: '--key <file>', help: 'public key you trust, as PEM or as an OpenSSH line' },
    { flags: '--allowed-signers <file>', help: 'OpenSSH allowed-signers file of those you trust' },
    { flags: '--json', help: 'print as JSON' },
  ],
  examples: [
    './sonia verify artifacts/<run-id> --key machine.pem',
    './sonia verify artifacts/release-candidate-1 --allowed-signers allowed_signers',
  ],
  async run(args, host) {
    const bundle = resolve(host.cwd, args.positionals[0] ?? '')
    const trust = await readTrust(args, host)
    const prometheus = await locateTool('prometheus', host)
    const verification = await verifyBundle(bundle, {
      trust,
      prometheusBinary: prometheus.path,
      scratchFolder: tmpdir(),
      checkRelease: (at, read, verdict) =>
        checkRelease(at, read, verdict, { trust, scratchFolder: tmpdir(), repository: host.repository }),
    }).catch((cause: unknown) => {
      throw notChecked(cause)
    })
    const isJson = flagOption(args, 'json')
    host.stdout.write(
      isJson ? `${JSON.stringify(wireNames(verification))}\n` : verificationText(verification, host),
    )
    return knownExitCode(verification.exitCode)
  },
}

/** The bundle was neither accepted nor refused: something else is in the way. */
function notChecked(cause: unknown): CliError {
  const message = cause instanceof Error ? cause.message : String(cause)
  if (cause instanceof ProgramNotStarted)
    return new CliError(EXIT_CODES.componentMissing, message, {
      hint: 'install it, then verify again',
      cause,
    })
  if (cause instanceof CloneNotAsked)
    return new CliError(EXIT_CODES.badInput, message, { hint: 'make the clone readable to git', cause })
  return new CliError(EXIT_CODES.badInput, message, { hint: 'name the folder of a bundle', cause })
}

async function readTrust(args: CommandArguments, host: Host): Promise<Trust> {
  const key = textOption(args, 'key')
  const signers = textOption(args, 'allowedSigners')
  if (key !== undefined && signers !== undefined)
    throw new CliError(EXIT_CODES.badUsage, 'name --key or --allowed-signers, not both')
  const file = key ?? signers
  if (file === undefined) return NO_TRUST
  try {
    const text = await readFile(resolve(host.cwd, file), 'utf8')
    return key === undefined ? trustFromAllowedSigners(text, host.clock.nowMs()) : trustFromKey(text)
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new CliError(EXIT_CODES.badInput, `${file} names nobody to trust: ${message}`, { cause })
  }
}

const LISTED_MAX = 20

function verificationText(verification: Verification, host: Host): string {
  const { runId, manifestSha256, verdict, exitCode } = verification
  const objections = [verification.files, verification.signed, verification.derived].flatMap(
    (one) => one.findings,
  )
  const lines = [
    `run       ${runId ?? 'unknown'}${verdict === null ? '' : `, recorded verdict ${verdict}`}`,
    ...(manifestSha256 === null ? [] : [`manifest  sha256 ${manifestSha256}`]),
    answerLine('files', verification.files, host),
    answerLine('signed', verification.signed, host),
    answerLine('verdict', verification.derived, host),
    ...objections.slice(0, LISTED_MAX).map((one) => `  ${one.code}  ${one.sentence}`),
    ...(objections.length > LISTED_MAX ? [`  and ${objections.length - LISTED_MAX} more`] : []),
    ...(exitCode === EXIT_CODES.bundleOtherVerdict
      ? [`compare like with like: check out ${verification.commit}`]
      : []),
    exitCode === 0 ? 'accepted' : `refused (exit code ${exitCode})`,
  ]
  return `${lines.join('\n')}\n`
}

function answerLine(name: string, answer: Answer, host: Host): string {
  const word = answer.isYes === null ? '-' : answer.isYes ? 'yes' : 'NO'
  const colour = answer.isYes === true ? 32 : 31
  const hasColour = host.stdout.isTerminal && host.env['NO_COLOR'] === undefined && answer.isYes !== null
  const shown = word.padEnd(3)
  return `${name.padEnd(8)}  ${hasColour ? `\u001b[${colour}m${shown}\u001b[0m` : shown}  ${answer.sentence}`
}
