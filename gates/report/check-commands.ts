import { LAYOUT } from '../evidence/bundle-layout.ts'
import { PREDICATES } from '../evidence/statement.ts'
import { PROVENANCE } from '../evidence/attestations.ts'
import { type CheckStep, fingerprintOf, opensslLoop, payloadIn } from './check-step.ts'
import { releaseSteps } from './release-commands.ts'
import type { ReleaseSignatures, ReportFacts } from './report-input.ts'

/** How somebody who trusts nothing of this checks it, with programs of other people. All but the first run inside the bundle. */
export function checkSteps(
  facts: ReportFacts,
  gates: readonly string[],
  release?: ReleaseSignatures,
): readonly CheckStep[] {
  return [
    everything(facts, release),
    {
      title: 'The files are whole (sha256sum)',
      why: 'Every file of the manifest, and the manifest itself.',
      commands: 'sha256sum --strict --quiet -c SHA256SUMS',
    },
    {
      title: 'The key is the one you were told (ssh-keygen)',
      why: `It must print ${facts.producer.key_id}, and you must know that from elsewhere.`,
      commands: fingerprintOf(LAYOUT.machineKeyPem),
    },
    {
      title: 'That key vouches for every gate (openssl)',
      why: 'The signature covers the pre-authentication encoding of the statement; each line must say "Verified OK".',
      commands: opensslLoop([...gates, PROVENANCE], LAYOUT.machineKeyPem),
    },
    {
      title: 'The statements speak of this manifest',
      why: 'The digest in each statement must be that of the manifest in your hands.',
      commands: subjectCheck(),
    },
    {
      title: 'Each statement is that of its gate',
      why: 'A signature does not say what was signed: each line must name its own gate, and PASSED for what passed.',
      commands: claims(gates),
    },
    {
      title: 'The commit is the one you have (git)',
      why: `Inside your own clone; it must print ${facts.released.tree}.`,
      commands: `git --no-replace-objects rev-parse --verify '${facts.released.commit}^{tree}'`,
    },
    {
      title: 'The same with cosign',
      why: 'No transparency log is involved: the key is yours to trust.',
      commands: [
        ...gates.map((gate) => cosign(gate, PREDICATES.testResult)),
        cosign(PROVENANCE, PREDICATES.provenance),
      ].join('\n'),
    },
    ...(release === undefined ? [] : releaseSteps(release)),
  ]
}

function everything({ run_id }: ReportFacts, release: ReleaseSignatures | undefined): CheckStep {
  const why =
    'Starts Prometheus on a copy of the recorded blocks and derives verdict.json again, byte for byte.'
  const [tag] = release?.tags ?? []
  const by =
    tag === undefined
      ? 'The public key must come to you by another way than this folder.'
      : 'The keys of the machine and of whoever signs the policy must come to you by another way than this folder, as lines of an allowed-signers file.'
  return {
    title: 'Everything at once, verdict included',
    why: `Run inside a clone of the project, with this folder in its place. ${why} ${by}`,
    commands:
      tag === undefined
        ? `./sonia verify artifacts/${run_id} --key machine.pem`
        : `./sonia verify artifacts/${tag} --allowed-signers allowed_signers`,
  }
}

function subjectCheck(): string {
  return [
    'manifest=$(sha256sum < MANIFEST.json | cut -d" " -f1)',
    `for file in ${LAYOUT.attestations}/*.dsse.json; do`,
    `  ${payloadIn('"$file"')} | grep -q "$manifest" && echo "$file: this manifest" || echo "$file: ANOTHER MANIFEST"`,
    'done',
  ].join('\n')
}

function claims(gates: readonly string[]): string {
  return [
    `for name in ${gates.join(' ')}; do`,
    `  echo "$name:" $(${payloadIn(`${LAYOUT.attestations}/$name.dsse.json`)} | grep -o '"result":"[A-Z]*"\\|"gate":"[a-z0-9-]*"')`,
    'done',
  ].join('\n')
}

function cosign(name: string, type: string): string {
  const file = `${LAYOUT.attestations}/${name}.sigstore.json`
  return `cosign verify-blob-attestation --bundle ${file} --key ${LAYOUT.machineKeyPem} --insecure-ignore-tlog --type ${type} MANIFEST.json`
}
