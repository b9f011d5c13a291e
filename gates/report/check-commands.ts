import { LAYOUT } from '../evidence/bundle-layout.ts'
import { IN_TOTO_TYPE } from '../evidence/dsse.ts'
import { PREDICATES } from '../evidence/statement.ts'
import { PROVENANCE } from '../evidence/attestations.ts'
import type { ReportFacts } from './report-input.ts'

export interface CheckStep {
  readonly title: string
  readonly why: string
  readonly commands: string
}

/** How somebody who trusts nothing of this checks it, with programs of other people. Run inside the bundle. */
export function checkSteps(facts: ReportFacts, gates: readonly string[]): readonly CheckStep[] {
  return [
    {
      title: 'Everything at once, verdict included',
      why: 'Starts Prometheus on a copy of the recorded blocks and derives verdict.json again, byte for byte. The public key must come to you by another way than this folder.',
      commands: './sonia verify artifacts/RUN --key machine.pem'.replace('RUN', facts.run_id),
    },
    {
      title: 'The files are whole (sha256sum)',
      why: 'Every file of the manifest, and the manifest itself.',
      commands: 'sha256sum --strict --quiet -c SHA256SUMS',
    },
    {
      title: 'The key is the one you were told (ssh-keygen)',
      why: `It must print ${facts.producer.key_id}, and you must know that from elsewhere.`,
      commands: `ssh-keygen -l -E sha256 -f ${LAYOUT.machineKeyLine}`,
    },
    {
      title: 'That key vouches for every gate (openssl)',
      why: 'The signature covers the pre-authentication encoding of the statement; each line must say "Verified OK".',
      commands: opensslLoop([...gates, PROVENANCE]),
    },
    {
      title: 'The statements speak of this manifest',
      why: 'The digest in each statement must be that of the manifest in your hands.',
      commands: subjectCheck(),
    },
    {
      title: 'The commit is the one you have (git)',
      why: `In your own clone; it must print ${facts.released.tree}.`,
      commands: `git rev-parse --verify '${facts.released.commit}^{tree}'`,
    },
    {
      title: 'The same with cosign',
      why: 'No transparency log is involved: the key is yours to trust.',
      commands: [
        ...gates.map((gate) => cosign(gate, PREDICATES.testResult)),
        cosign(PROVENANCE, PREDICATES.provenance),
      ].join('\n'),
    },
  ]
}

function opensslLoop(names: readonly string[]): string {
  return [
    `for name in ${names.join(' ')}; do`,
    `  file=${LAYOUT.attestations}/$name.dsse.json; work=$(mktemp -d)`,
    `  sed 's/.*"payload":"\\([^"]*\\)".*/\\1/' "$file" | base64 -d > "$work/payload"`,
    `  sed 's/.*"sig":"\\([^"]*\\)".*/\\1/' "$file" | base64 -d > "$work/signature"`,
    `  { printf 'DSSEv1 ${IN_TOTO_TYPE.length} ${IN_TOTO_TYPE} %d ' "$(wc -c < "$work/payload")"; cat "$work/payload"; } > "$work/signed"`,
    `  openssl dgst -sha256 -verify ${LAYOUT.machineKeyPem} -signature "$work/signature" "$work/signed"`,
    'done',
  ].join('\n')
}

function subjectCheck(): string {
  return [
    'manifest=$(sha256sum < MANIFEST.json | cut -d" " -f1)',
    `for file in ${LAYOUT.attestations}/*.dsse.json; do`,
    `  sed 's/.*"payload":"\\([^"]*\\)".*/\\1/' "$file" | base64 -d | grep -q "$manifest" && echo "$file: this manifest" || echo "$file: ANOTHER MANIFEST"`,
    'done',
  ].join('\n')
}

function cosign(name: string, type: string): string {
  const file = `${LAYOUT.attestations}/${name}.sigstore.json`
  return `cosign verify-blob-attestation --bundle ${file} --key ${LAYOUT.machineKeyPem} --insecure-ignore-tlog --type ${type} MANIFEST.json`
}
