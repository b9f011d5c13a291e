import { type Finding, warning } from '../report.ts'
import { redacted } from './redacted.ts'

/** Bits per character; English words have less than 4, base64 of random bytes close to 6. */
const BITS_MIN = 4.6
const CANDIDATE = /(?<![A-Za-z0-9+/=_-])[A-Za-z0-9+/_-]{32,200}={0,2}(?![A-Za-z0-9+/=_-])/g
const FINDINGS_PER_FILE_MAX = 5

/** Random by nature and no secret: how OpenSSH names a public key (the digest of it), and public keys themselves. */
const PUBLIC = [
  /SHA256:[A-Za-z0-9+/]{43}(?![A-Za-z0-9+/=_-])/g,
  /-----BEGIN (PUBLIC KEY|CERTIFICATE)-----\n(?:[A-Za-z0-9+/=]{1,76}\n)+-----END \1-----/g,
  /\b(?:sk-)?(?:ssh-(?:ed25519|rsa)|ecdsa-sha2-nistp\d{3})(?:@openssh\.com)? AAAA[A-Za-z0-9+/]+={0,2}/g,
]

/** Long words that look random. A warning: a digest looks the same as a key. */
export function findRandomWords(path: string, text: string): readonly Finding[] {
  const found: Finding[] = []
  for (const [number, content] of withoutPublic(text).split('\n').entries()) {
    for (const [word] of content.matchAll(CANDIDATE)) {
      if (isRandom(word)) found.push(warning(`a word that looks random: ${redacted(word)}`, path, number + 1))
      if (found.length >= FINDINGS_PER_FILE_MAX) return found
    }
  }
  return found
}

/** Lines keep their numbers. */
function withoutPublic(text: string): string {
  return PUBLIC.reduce(
    (left, pattern) => left.replaceAll(pattern, (match) => match.replaceAll(/[^\n]/g, '')),
    text,
  )
}

function isRandom(word: string): boolean {
  const classes = [/[a-z]/, /[A-Z]/, /[0-9]/].filter((pattern) => pattern.test(word)).length
  return classes === 3 && entropyBits(word) >= BITS_MIN
}

/** Shannon entropy of the characters, bits per character. */
function entropyBits(text: string): number {
  const counts = new Map<string, number>()
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1)
  return [...counts.values()].reduce(
    (bits, count) => bits - (count / text.length) * Math.log2(count / text.length),
    0,
  )
}
