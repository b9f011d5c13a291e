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

/** Line of a shell: what a DSSE envelope bears. */
export function payloadIn(file: string): string {
  return `sed 's/.*"payload":"\\([^"]*\\)".*/\\1/' ${file} | base64 -d`
}

/** Lines of a loop over envelopes: the statement in `$file`, and what was signed of it (DSSE v1, pre-authentication encoding). */
export const WRITE_PAYLOAD = `  ${payloadIn('"$file"')} > "$work/payload"`
export const WRITE_SIGNED = `  { printf 'DSSEv1 ${IN_TOTO_TYPE.length} ${IN_TOTO_TYPE} %d ' "$(wc -c < "$work/payload")"; cat "$work/payload"; } > "$work/signed"`

export function opensslLoop(names: readonly string[], pem: string): string {
  return [
    `for name in ${names.join(' ')}; do`,
    `  file=${LAYOUT.attestations}/$name.dsse.json; work=$(mktemp -d)`,
    WRITE_PAYLOAD,
    `  sed 's/.*"sig":"\\([^"]*\\)".*/\\1/' "$file" | base64 -d > "$work/signature"`,
    WRITE_SIGNED,
    `  openssl dgst -sha256 -verify ${pem} -signature "$work/signature" "$work/signed"`,
    'done',
  ].join('\n')
}
