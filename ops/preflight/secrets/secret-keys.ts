/** Words that make a key's value a secret. */
const SECRET_WORDS = new Set(
  (
    'secret secrets password passwords passwd passphrase pwd pass token tokens apikey apikeys ' +
    'credential credentials private bearer'
  ).split(' '),
)

/** A key that ends so speaks about a secret, it does not hold one. */
const ABOUT_WORDS = new Set(
  (
    'file path folder dir ref reference env name names id ids sha256 hash digest length min max limit count seconds ' +
    'minutes hours ms ttl bytes url uri endpoint prefix pattern policy type kind rotation enabled required header ' +
    'budget usage usd per'
  ).split(' '),
)

/** Whether a literal under this key is a secret, going by the key alone. */
export function isSecretKey(key: string): boolean {
  const words = wordsOf(key)
  const last = words.at(-1) ?? ''
  if (ABOUT_WORDS.has(last)) return false
  const isPublic = words.includes('public')
  return !isPublic && (words.some((word) => SECRET_WORDS.has(word)) || endsInKey(words))
}

/** `api_key`, `accessKey`, `operator-key`; a bare `key` is a name far more often than a secret. */
function endsInKey(words: readonly string[]): boolean {
  const [before = '', last = ''] = words.slice(-2)
  const isKey = last === 'key' || last === 'keys'
  return (
    isKey &&
    ['api', 'access', 'operator', 'signing', 'encryption', 'account', 'license', 'auth'].includes(before)
  )
}

function wordsOf(key: string): readonly string[] {
  return key
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '')
}

/** `env:NAME`, `file:PATH`, `${NAME}` and the like name where a secret is; they are none. */
export function isReference(value: string): boolean {
  return (
    /^(?:env|file):\S+$/.test(value) ||
    /^\$\{[A-Za-z_][A-Za-z0-9_]*\}$/.test(value) ||
    /^\$[A-Z_][A-Z0-9_]*$/.test(value)
  )
}
