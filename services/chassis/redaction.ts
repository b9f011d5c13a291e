const MASK = '[redacted]'
const TEXT_MAX = 2048
const DEPTH_MAX = 6
const ENTRIES_MAX = 50

/** Keys whose value is never written, however harmless it looks. */
const SECRET_KEY =
  /(^|[_-])(secret|password|passwd|token|api[_-]?key|apikey|authorization|credential|credentials|cookie|private|operator[_-]?key|bootstrap)s?($|[_-])/i

/** Values that are secrets wherever they stand. */
const SECRET_SHAPES = [
  /\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g,
  /\b(?:sk|pk|rk)-[A-Za-z0-9_-]{8,}/g,
  /\bsonia_[a-z]{2,8}_[A-Za-z0-9_-]{16,}/g,
  /\bgh[pousr]_[A-Za-z0-9]{20,}/g,
  /\bgithub_pat_[A-Za-z0-9_]{20,}/g,
  /\bxox[abeprs]-[A-Za-z0-9-]{10,}/g,
  /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g,
  /\bAIza[A-Za-z0-9_-]{30,}/g,
  /\b(?:Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}/gi,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g,
  /(?<=:\/\/)[^\s/:@]+:[^\s/@]+(?=@)/g,
]

/** How each of them begins: nearly every text holds none of it, and one look costs less than eleven. */
const SECRET_BEGINS =
  /eyJ|[spr]k-|sonia_|gh[pousr]_|github_pat_|xox|A[KS]IA|AIza|bearer|basic|-----BEGIN|:\/\//i

/** Text with everything token-shaped masked, and bounded. */
export function redactText(text: string): string {
  const bounded = text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}...` : text
  if (!SECRET_BEGINS.test(bounded)) return bounded
  return SECRET_SHAPES.reduce((masked, shape) => masked.replace(shape, MASK), bounded)
}

/** A copy of any value that is fit for a log: secrets masked by key and by shape, size and depth bounded. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value)
  if (typeof value === 'bigint') return value.toString()
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return value
  if (typeof value !== 'object') return undefined
  if (depth >= DEPTH_MAX) return '[deep]'
  if (value instanceof Error) return { name: value.name, message: redactText(value.message) }
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  if (Array.isArray(value)) return value.slice(0, ENTRIES_MAX).map((entry) => redact(entry, depth + 1))
  return redactEntries(value, depth)
}

function redactEntries(value: object, depth: number): Record<string, unknown> {
  const copy: Record<string, unknown> = {}
  for (const [key, entry] of Object.entries(value).slice(0, ENTRIES_MAX)) {
    const { shown, isSecret } = lookAtKey(key)
    copy[shown] = isSecret && canBeSecret(entry) ? MASK : redact(entry, depth + 1)
  }
  return copy
}

interface KeyFacts {
  readonly shown: string
  readonly isSecret: boolean
}

/** Names of fields are few and come again and again; those beyond are of somebody's data. */
const knownKeys = new Map<string, KeyFacts>()
const KNOWN_KEYS_MAX = 500
const KNOWN_KEY_CHARS_MAX = 64

function lookAtKey(key: string): KeyFacts {
  const known = knownKeys.get(key)
  if (known !== undefined) return known
  const facts = { shown: redactText(key), isSecret: isSecretKey(key) }
  if (knownKeys.size < KNOWN_KEYS_MAX && key.length <= KNOWN_KEY_CHARS_MAX) knownKeys.set(key, facts)
  return facts
}

/** Numbers under such keys are counts: max_tokens, tokens_used. */
function canBeSecret(value: unknown): boolean {
  return value !== null && typeof value !== 'number' && typeof value !== 'boolean'
}

function isSecretKey(key: string): boolean {
  // camelCase and snake_case name the same thing.
  return SECRET_KEY.test(key.replace(/([a-z0-9])([A-Z])/g, '$1_$2'))
}
