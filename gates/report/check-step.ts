import { LAYOUT } from '../evidence/bundle-layout.ts'
import { IN_TOTO_TYPE } from '../evidence/dsse.ts'

export interface CheckStep {
  readonly title: string
  readonly why: string
  readonly commands: string
}

/** Of the very file that signatures are verified with; a second copy could be of another key. */
export function fingerprintOf(pem: string): string {
  return `ssh-keygen -i -m PKCS8 -f ${pem} | ssh-keygen -l -E sha256 -f -`
}

export function opensslLoop(names: readonly string[], pem: string): string {
  return [
    `for name in ${names.join(' ')}; do`,
    `  file=${LAYOUT.attestations}/$name.dsse.json; work=$(mktemp -d)`,
    `  sed 's/.*"payload":"\\([^"]*\\)".*/\\1/' "$file" | base64 -d > "$work/payload"`,
    `  sed 's/.*"sig":"\\([^"]*\\)".*/\\1/' "$file" | base64 -d > "$work/signature"`,
    `  { printf 'DSSEv1 ${IN_TOTO_TYPE.length} ${IN_TOTO_TYPE} %d ' "$(wc -c < "$work/payload")"; cat "$work/payload"; } > "$work/signed"`,
    `  openssl dgst -sha256 -verify ${pem} -signature "$work/signature" "$work/signed"`,
    'done',
  ].join('\n')
}
