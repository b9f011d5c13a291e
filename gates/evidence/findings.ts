/** What `verify` can object to. The exit code is the class of the objection; the code names the case. */
export const FINDING_EXITS = {
  // 10 tampered: something is there that should not be, or is not what was recorded
  FILE_CHANGED: 10,
  FILE_EXTRA: 10,
  FILE_LINK: 10,
  FILE_SPECIAL: 10,
  FILE_MODE: 10,
  MANIFEST_MALFORMED: 10,
  MANIFEST_CHANGED: 10,
  RELEASED_CHANGED: 10,
  SUMS_CHANGED: 10,
  KEY_COPY_CHANGED: 10,
  ATTESTATION_MALFORMED: 10,
  ATTESTATION_UNKNOWN: 10,
  ATTESTATION_SUBJECT: 10,
  ATTESTATION_CONTENT: 10,
  SIGNATURE_INVALID: 10,
  SIGNATURE_REPEATED: 10,
  SIGSTORE_DIFFERS: 10,
  SIGNOFF_MALFORMED: 10,
  CHECKLIST_CHANGED: 10,
  RELEASE_PAGE_CHANGED: 10,
  CHAIN_BROKEN: 10,
  TAG_CHANGED: 10,
  // 11 incomplete
  FILE_MISSING: 11,
  MANIFEST_MISSING: 11,
  SUMS_MISSING: 11,
  ATTESTATION_MISSING: 11,
  SIGNOFF_MISSING: 11,
  TAG_MISSING: 11,
  POLICY_MISSING: 11,
  // 12 unsigned, or not by whom you trust
  NO_TRUST: 12,
  KEY_UNKNOWN: 12,
  KEY_REVOKED: 12,
  KEY_EXPIRED: 12,
  POLICY_UNTRUSTED: 12,
  SIGNOFF_UNKNOWN_KEY: 12,
  SIGNOFF_ROLE: 12,
  SIGNOFF_SELF: 12,
  SIGNOFF_THRESHOLD: 12,
  SIGNOFF_VETO: 12,
  TAG_SIGNER: 12,
  // 13 stale: true once, or of something else
  ATTESTATION_OF_ANOTHER_RUN: 13,
  SIGNOFF_STALE: 13,
  EVIDENCE_EXPIRED: 13,
  NOT_RELEASE_EVIDENCE: 13,
  // 14 another verdict follows
  VERDICT_DIFFERS: 14,
  VERDICT_NOT_DERIVED: 14,
} as const

export type FindingCode = keyof typeof FINDING_EXITS

export interface Finding {
  readonly code: FindingCode
  /** One sentence: what is wrong, on what. */
  readonly sentence: string
  readonly path?: string
}

export function finding(code: FindingCode, sentence: string, path?: string): Finding {
  const shown = printable(sentence)
  return path === undefined ? { code, sentence: shown } : { code, sentence: shown, path }
}

/** Names and reasons come from whoever is being checked: they must not move the cursor, nor turn the text around. */
function printable(text: string): string {
  return text.replaceAll(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16) ?? ''}}`,
  )
}

/** The gravest class decides; 0 only where nothing was objected to. */
export function exitCodeOf(findings: readonly Finding[]): number {
  const classes = findings.map((one) => FINDING_EXITS[one.code])
  return classes.length === 0 ? 0 : Math.min(...classes)
}
