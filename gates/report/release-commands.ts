import { LAYOUT } from '../evidence/bundle-layout.ts'
import { type CheckStep, fingerprintOf, opensslLoop, WRITE_PAYLOAD, WRITE_SIGNED } from './check-step.ts'
import type { ReleaseSignatures } from './report-input.ts'

/** What people signed, and the tags, checked without this project. The first step sets what the others use. */
export function releaseSteps({ signatures, tags }: ReleaseSignatures): readonly CheckStep[] {
  return [
    {
      title: 'The policy is signed by whom you were told (ssh-keygen)',
      why: 'Set these two to what is yours: the allowed-signers file that came by another way, and your clone. The steps below go on in the same shell.',
      commands: [
        'allowed_signers=../../allowed_signers; clone=../..',
        `who=$(ssh-keygen -Y find-principals -f "$allowed_signers" -s ${LAYOUT.policySignature})`,
        `ssh-keygen -Y verify -f "$allowed_signers" -I "$who" -n sonia-release-policy@v1 -s ${LAYOUT.policySignature} < ${LAYOUT.policy}`,
      ].join('\n'),
    },
    {
      title: 'The machine of the policy sealed this release (ssh-keygen, openssl)',
      why: 'The key id must be among the machines of the policy, and the line after it must say "Verified OK".',
      commands: [
        fingerprintOf(LAYOUT.sealerKeyPem),
        opensslLoop(['verification-summary'], LAYOUT.sealerKeyPem),
      ].join('\n'),
    },
    {
      title: 'People signed for the gates and for the release (ssh-keygen)',
      why: `There must be ${signatures.length} times "Good", each by the key that this page and the policy name for the person, topic and decision in the line after it.`,
      commands: signOffLoop(),
    },
    {
      title: 'The tags are signed, and are those of your clone (git, ssh-keygen)',
      why: 'Go by the word "accepted", since git prints "Good" also where it fails. The digest must be that in the message of the tags.',
      commands: [
        ...tags.map(
          (tag) =>
            `git -C "$clone" --no-replace-objects -c gpg.ssh.allowedSignersFile="$people" verify-tag ${tag} && git -C "$clone" --no-replace-objects cat-file tag ${tag} | cmp - ${LAYOUT.attestations}/${tag}.tag && echo accepted`,
        ),
        `sha256sum ${LAYOUT.attestations}/verification-summary.dsse.json; grep summary-sha256 ${LAYOUT.attestations}/*.tag`,
      ].join('\n'),
    },
  ]
}

/** The people are those of the policy, whose signature was checked before. */
function signOffLoop(): string {
  return [
    `people=$(mktemp); grep -o '"public_key": *"[^"]*"' ${LAYOUT.policy} | sed 's/.*"\\([^"]*\\)"$/person \\1/' > "$people"`,
    `for file in ${LAYOUT.attestations}/sign-off-*.dsse.json; do`,
    '  work=$(mktemp -d)',
    WRITE_PAYLOAD,
    WRITE_SIGNED,
    `  { echo '-----BEGIN SSH SIGNATURE-----'; sed 's/.*"sig":"\\([^"]*\\)".*/\\1/' "$file"; echo '-----END SSH SIGNATURE-----'; } > "$work/sig"`,
    '  ssh-keygen -Y verify -f "$people" -I person -n sonia-release-signoff@v1 -s "$work/sig" < "$work/signed"',
    `  echo $(grep -o '"topic":"[a-z-]*"\\|"decision":"[a-z]*"\\|"person":"[^"]*"' "$work/payload")`,
    'done',
  ].join('\n')
}
