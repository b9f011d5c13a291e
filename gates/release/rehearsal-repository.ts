import { appendFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { MachineKey } from '../evidence/machine-key.ts'
import { outputOf } from '../evidence/run-process.ts'
import { sshKeyOf, sshKeyLine } from '../evidence/ssh-key.ts'
import { SIGNED_GATES, type ReleasePolicy, type SignedGate } from './policy.ts'
import { POLICY_FILE, SIGNATURE_SUFFIX } from './policy-file.ts'
import { CRITERIA_FOLDER } from './released-tree.ts'
import { NAMESPACES, sshSign } from './ssh-signature.ts'

/** Throw-away people of a rehearsal, named for what they do. */
const REHEARSAL_PEOPLE = ['author', 'reliability', 'security', 'manager'] as const
export type RehearsalPerson = (typeof REHEARSAL_PEOPLE)[number]

export interface RehearsalRepository {
  readonly path: string
  readonly criteria: string
  /** Private key file per person. */
  readonly keyFiles: Readonly<Record<RehearsalPerson, string>>
  readonly publicKeys: Readonly<Record<RehearsalPerson, string>>
  /** Allowed-signers file from outside the repository: who may change the policy, and the machine. */
  readonly allowedSigners: string
}

const HOUR_MS = 3_600_000
const METRIC = 'rehearsal_checks_total'

/** A scratch repository with criteria for every gate, people with fresh keys, and a signed policy, all committed. */
export async function makeRehearsalRepository(
  scratch: string,
  machine: MachineKey,
  nowMs: number,
): Promise<RehearsalRepository> {
  const path = join(scratch, 'repository')
  const criteria = join(path, CRITERIA_FOLDER)
  await mkdir(criteria, { recursive: true })
  await mkdir(join(path, 'config', 'policies'), { recursive: true })
  for (const gate of SIGNED_GATES) await writeFile(join(criteria, `${gate}.yaml`), criteriaOf(gate))
  await writeFile(join(path, 'package.json'), '{"name":"rehearsal","version":"0.0.0"}\n')
  await writeFile(join(path, 'package-lock.json'), '{"lockfileVersion":3}\n')
  await writeFile(join(path, 'config', 'sonia.json'), '{}\n')
  await writeFile(join(path, 'config', 'policies', 'none.json'), '{}\n')
  const { keyFiles, publicKeys } = await makePeople(join(scratch, 'people'))
  const policy = rehearsalPolicy(machine, publicKeys, nowMs)
  await writePolicy(join(path, POLICY_FILE), policy, keyFiles.manager)
  await commitAll(path)
  const allowedSigners = join(scratch, 'allowed_signers')
  await appendFile(
    allowedSigners,
    `${emailOf('manager')} namespaces="${NAMESPACES.policy}" ${publicKeys.manager}\nmachine ${sshKeyLine(sshKeyOf(machine.publicKey))}\n`,
  )
  return { path, criteria, keyFiles, publicKeys, allowedSigners }
}

export function emailOf(person: RehearsalPerson): string {
  return `${person}@rehearsal.invalid`
}

/** Soak needs two people, so that one person twice can be tried. */
export function rehearsalPolicy(
  machine: MachineKey,
  publicKeys: Readonly<Record<RehearsalPerson, string>>,
  nowMs: number,
): ReleasePolicy {
  const rule = (roles: string[], threshold = 1) => ({ roles, threshold })
  const person = (name: RehearsalPerson, roles: string[]) => ({
    name: emailOf(name),
    emails: [emailOf(name)],
    roles,
    keys: [{ public_key: publicKeys[name], valid_after: null, valid_before: null }],
  })
  return {
    format: 'sonia-release-policy/1',
    version: 1,
    valid_until: `${new Date(nowMs + 24 * HOUR_MS).toISOString().slice(0, 19)}Z`,
    evidence_max_age_hours: 24,
    sign_off_max_age_hours: 24,
    people: [
      person('author', ['reliability', 'security', 'release-manager']),
      person('reliability', ['reliability']),
      person('security', ['security', 'reliability']),
      person('manager', ['release-manager']),
    ],
    machines: [{ key_id: machine.keyId, operators: [] }],
    gates: {
      'go-no-go': rule(['reliability']),
      soak: rule(['reliability'], 2),
      determinism: rule(['reliability']),
      security: rule(['security']),
      durability: rule(['reliability']),
      observability: rule(['reliability']),
    },
    release: rule(['release-manager']),
    revoked: [],
  }
}

export async function writePolicy(file: string, policy: ReleasePolicy, keyFile: string): Promise<void> {
  const text = `${JSON.stringify(policy, null, 2)}\n`
  await writeFile(file, text)
  const signature = await sshSign(Buffer.from(text), keyFile, NAMESPACES.policy)
  await writeFile(`${file}${SIGNATURE_SUFFIX}`, signature.armored)
}

async function commitAll(repository: string): Promise<void> {
  const git = (...args: string[]) => outputOf('git', args, { cwd: repository })
  await git('init', '-q', '-b', 'main')
  await git('config', 'user.name', 'author')
  await git('config', 'user.email', emailOf('author'))
  await git('add', '.')
  await git('commit', '-q', '--no-gpg-sign', '-m', 'What the rehearsal releases')
}

/** The one series that the rehearsal's history holds per gate. */
export function rehearsalHistory(start: number, end: number, step: number): string {
  const times = Array.from(
    { length: Math.floor((end - start) / step) + 1 },
    (_, index) => start + index * step,
  )
  const lines = SIGNED_GATES.flatMap((gate) => times.map((time) => `${METRIC}{gate="${gate}"} 7 ${time}`))
  return `# TYPE rehearsal_checks counter\n${lines.join('\n')}\n# EOF\n`
}

function criteriaOf(gate: SignedGate): string {
  return `gate: ${gate}
title: Rehearsal of ${gate}
criteria:
  - id: ${gate}.rehearsed
    title: Checks recorded for the rehearsal of ${gate}
    why: the rehearsal proves the lock, not the gate
    unit: count
    judge: { kind: count, value: '${METRIC}{gate="${gate}"}', of: 7 }
`
}

type PerPerson = Record<RehearsalPerson, string>

async function makePeople(folder: string): Promise<{ keyFiles: PerPerson; publicKeys: PerPerson }> {
  await mkdir(folder)
  const make = async (name: RehearsalPerson) => {
    const file = join(folder, name)
    await outputOf('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', emailOf(name), '-f', file])
    const line = await outputOf('ssh-keygen', ['-y', '-f', file])
    return { file, line: line.trim().split(' ').slice(0, 2).join(' ') }
  }
  const author = await make('author')
  const reliability = await make('reliability')
  const security = await make('security')
  const manager = await make('manager')
  const all = { author, reliability, security, manager }
  const pick = (part: 'file' | 'line'): PerPerson => ({
    author: all.author[part],
    reliability: all.reliability[part],
    security: all.security[part],
    manager: all.manager[part],
  })
  return { keyFiles: pick('file'), publicKeys: pick('line') }
}
