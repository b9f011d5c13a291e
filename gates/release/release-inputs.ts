import { readdir, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { locateTool } from '#tools/locate.ts'
import { type CommandArguments, textOption } from '../command.ts'
import { type AllowedSigner, parseAllowedSigners } from '../evidence/allowed-signers.ts'
import { parseManifest } from '../evidence/manifest.ts'
import { readManifestOf } from '../evidence/read-listed.ts'
import { runProcess } from '../evidence/run-process.ts'
import { CliError, EXIT_CODES } from '../exit-codes.ts'
import type { Host } from '../host.ts'
import { homeOf } from '#ops/command-settings.ts'
import { SIGN_OFF_TOPICS, type SignOffTopic } from './policy.ts'
import { POLICY_FILE } from './policy-file.ts'
import type { ReleaseOptions } from './release-state.ts'

/** Who may change the policy, where the command line names no other file: outside the repository, so not in its power. */
const POLICY_SIGNERS_FILE = 'policy_signers'

/** What every release command works on. */
export async function releaseOptions(args: CommandArguments, host: Host): Promise<ReleaseOptions> {
  const bundle = textOption(args, 'bundle')
  const policy = textOption(args, 'policy')
  const prometheus = await locateTool('prometheus', host)
  return {
    bundle: bundle === undefined ? await newestBundle(artifactsFolder(host)) : resolve(host.cwd, bundle),
    policyFile: policy === undefined ? join(host.repository, POLICY_FILE) : resolve(host.cwd, policy),
    policySigners: await policySigners(args, host),
    purpose: 'run',
    nowMs: host.clock.nowMs(),
    scratchFolder: tmpdir(),
    prometheusBinary: prometheus.path,
  }
}

export function artifactsFolder(host: Host): string {
  return join(host.repository, 'artifacts')
}

export function topicOption(args: CommandArguments): SignOffTopic {
  const named = requiredOption(args, 'gate')
  const topic = SIGN_OFF_TOPICS.find((one) => one === named)
  if (topic !== undefined) return topic
  throw new CliError(EXIT_CODES.badUsage, `nobody signs for "${named}"`, {
    hint: `--gate is one of ${SIGN_OFF_TOPICS.join(', ')}`,
  })
}

export function requiredOption(args: CommandArguments, name: string): string {
  const value = textOption(args, name)
  if (value !== undefined && value !== '') return value
  throw new CliError(EXIT_CODES.badUsage, `--${name} is missing`)
}

/** --key, else the key that git signs with here. */
export async function keyFileOption(args: CommandArguments, host: Host): Promise<string> {
  const named = textOption(args, 'key')
  if (named !== undefined) return resolve(host.cwd, named)
  const configured = await runProcess('git', ['config', '--type=path', 'user.signingkey'], {
    cwd: host.repository,
  })
  const file = configured.stdout.toString('utf8').trim()
  if (configured.exitCode === 0 && file !== '') return file
  throw new CliError(EXIT_CODES.badUsage, 'no SSH key was named to sign with', {
    hint: '--key <file>, or git config user.signingkey <file>',
  })
}

async function policySigners(args: CommandArguments, host: Host): Promise<readonly AllowedSigner[]> {
  const named = textOption(args, 'policySigners')
  const file =
    named === undefined ? join(homeOf(host), 'config', POLICY_SIGNERS_FILE) : resolve(host.cwd, named)
  try {
    return parseAllowedSigners(await readFile(file, 'utf8'))
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new CliError(EXIT_CODES.badInput, `nobody is named who may change the release policy: ${message}`, {
      hint: '--policy-signers <allowed-signers file>; docs/release.md shows how to make one',
      cause,
    })
  }
}

async function newestBundle(folder: string): Promise<string> {
  let newest: { path: string; createdAt: string } | null = null
  for (const name of await readdir(folder).catch(() => [])) {
    if (name.startsWith('release-candidate-')) continue
    const text = await readManifestOf(join(folder, name)).catch(() => null)
    const createdAt = text === null ? null : createdAtOf(text.toString('utf8'))
    if (createdAt !== null && (newest === null || createdAt > newest.createdAt))
      newest = { path: join(folder, name), createdAt }
  }
  if (newest !== null) return newest.path
  throw new CliError(EXIT_CODES.badInput, 'there is no evidence bundle under artifacts/', {
    hint: './sonia gates --profile release makes one; --bundle names another folder',
  })
}

/** A folder whose manifest cannot be read is not the newest bundle; `verify` says what is wrong with it. */
function createdAtOf(text: string): string | null {
  try {
    return parseManifest(text).created_at
  } catch {
    return null
  }
}
