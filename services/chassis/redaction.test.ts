import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { redact, redactText } from './redaction.ts'

for (const key of [
  'password',
  'db_password',
  'apiKey',
  'api_key',
  'x-api-key',
  'X-Service-Token',
  'accessToken',
  'refresh_token',
  'authorization',
  'Cookie',
  'set-cookie',
  'client_secret',
  'privateKey',
  'credentials',
  'operator-key',
  'bootstrapSecret',
]) {
  test(`the value under ${key} is masked`, () => {
    assert.deepEqual(redact({ [key]: 'anything' }), { [key]: '[redacted]' })
  })
}

for (const key of [
  'tokens_used',
  'max_tokens',
  'prompt_tokens',
  'author',
  'secretary',
  'keyboard',
  'monkey',
]) {
  test(`the value under ${key} is kept`, () => assert.deepEqual(redact({ [key]: 5 }), { [key]: 5 }))
}

for (const [what, secret] of [
  ['a JWT', 'eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl'],
  ['an OpenAI-style key', 'sk-proj-abcdEFGH12345678'],
  ["the seed's own test secret", 'sk-test-secret'],
  ['a GitHub token', 'ghp_abcdefghijklmnopqrstuvwxyz0123456789'],
  ['a restricted key', 'rk-abcdEFGH12345678'],
  ['a key of ours', 'sonia_op_abcdEFGH12345678'],
  ['a fine-grained GitHub token', 'github_pat_abcdefghijklmnopqrst'],
  ['a Google key', 'AIzaabcdefghijklmnopqrstuvwxyz0123456789'],
  ['a temporary AWS key id', 'ASIAIOSFODNN7EXAMPLE'],
  ['a basic header', 'basic dXNlcjpodW50ZXIy'],
  ['a Slack token', 'xoxb-1234567890-abcdef'],
  ['an AWS key id', 'AKIAIOSFODNN7EXAMPLE'],
  ['a bearer header', 'Bearer abcdef0123456789'],
  ['credentials in a URL', 'postgres://user:hunter2pass@host/db'],
  ['a private key', '-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----'],
  ['a private key cut short', '-----BEGIN EC PRIVATE KEY-----\nMIIEvQIBADANBg'],
] as const) {
  test(`${what} is masked wherever it stands`, () => {
    const masked = JSON.stringify(
      redact({ text: `before ${secret} after`, list: [secret], error: new Error(secret) }),
    )
    const core =
      /[A-Za-z0-9]{8,}/.exec(
        secret.replace(/^(Bearer |postgres:\/\/user:|-----BEGIN (EC )?PRIVATE KEY-----\n|eyJ)/, ''),
      )?.[0] ?? secret
    assert.ok(!masked.includes(core), masked)
    assert.match(masked, /\[redacted\]/)
  })
}

test('plain text is kept as it is', () => {
  const text = 'The quick brown fox asks for risk-free tasks at https://example.org/path?q=1'
  assert.equal(redactText(text), text)
})

test('size, depth, entries and cycles are bounded', () => {
  const cycle: Record<string, unknown> = {
    text: 'x'.repeat(10_000),
    list: Array.from({ length: 500 }, () => 1),
  }
  cycle['self'] = cycle
  assert.ok(JSON.stringify(redact(cycle)).length < 20_000)
})

test('redaction never throws, keeps JSON, and is finished after one pass', () => {
  fc.assert(
    fc.property(fc.anything(), (value) => {
      const once = redact(value)
      const text = JSON.stringify(once) ?? 'null'
      assert.equal(JSON.stringify(redact(JSON.parse(text))), JSON.stringify(JSON.parse(text)))
    }),
  )
})
