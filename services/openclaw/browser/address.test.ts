import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ServiceError } from '#chassis/errors.ts'
import { isPublicAddress } from './address.ts'
import { parsePageUrl } from './page-url.ts'
import { type ResolveName, pinAddress } from './pinned-address.ts'

const notPublic = [
  '0.0.0.0',
  '10.1.2.3',
  '100.64.0.1',
  '127.0.0.1',
  '127.255.255.255',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '192.0.2.1',
  '198.18.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::ffff:127.0.0.1',
  '::ffff:8.8.8.8',
  '::7f00:1',
  '64:ff9b::7f00:1',
  '2002:7f00:1::',
  '2001::1',
  '2001:db8::1',
  'fc00::1',
  'fd12::1',
  'fe80::1',
  'fec0::1',
  'ff02::1',
  'nonsense',
  '',
]
for (const address of notPublic) {
  test(`${address || 'nothing'} is not a public address`, () => {
    assert.equal(isPublicAddress(address), false)
  })
}

for (const address of ['8.8.8.8', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '2a00:1450::1']) {
  test(`${address} is a public address`, () => {
    assert.equal(isPublicAddress(address), true)
  })
}

const OWN_ADDRESS = '2a01:4f8:1:2::5'
const rulesWith = (resolve: ResolveName, allowed: string[] = []) => ({
  resolve,
  allowedOrigins: new Set(allowed),
  isOwn: (address: string) => address === OWN_ADDRESS,
})
const never: ResolveName = () => Promise.reject(new Error('asked'))

const refusedUrls: readonly [string, string][] = [
  ['file:///etc/passwd', 'SCHEME_REFUSED'],
  ['ftp://example.org/', 'SCHEME_REFUSED'],
  ['javascript:alert(1)', 'SCHEME_REFUSED'],
  ['data:text/html,x', 'SCHEME_REFUSED'],
  ['view-source:http://example.org', 'SCHEME_REFUSED'],
  ['chrome://settings', 'SCHEME_REFUSED'],
  ['http://user@example.org/', 'ADDRESS_REFUSED'],
  ['http://user:pw@example.org/', 'ADDRESS_REFUSED'],
  ['http:\\\\example.org', 'INVALID_ARGUMENT'],
  ['http:example.org', 'INVALID_ARGUMENT'],
  ['http:///example.org', 'INVALID_ARGUMENT'],
  [' http://example.org', 'INVALID_ARGUMENT'],
  ['http://exa\tmple.org', 'INVALID_ARGUMENT'],
  ['not a url', 'INVALID_ARGUMENT'],
  [`http://example.org/${'a'.repeat(2_048)}`, 'INVALID_ARGUMENT'],
]
for (const [url, expected] of refusedUrls) {
  test(`${JSON.stringify(url.slice(0, 40))} is refused with ${expected}`, () => {
    assert.throws(
      () => parsePageUrl(url),
      (error) => outcomeOf(error) === expected,
    )
  })
}

const refusedHosts = [
  'http://127.0.0.1/',
  'http://127.1/',
  'http://2130706433/',
  'http://0x7f000001/',
  'http://0177.0.0.1/',
  'http://0/',
  'http://[::1]/',
  'http://[::ffff:127.0.0.1]/',
  'http://[::ffff:7f00:1]/',
  'http://169.254.169.254/latest/meta-data/',
  'http://localhost/',
  'http://LOCALHOST./',
  'http://x.localhost/',
  'http://printer.local/',
  'http://metadata.google.internal/',
  'http://１２７.０.０.１/',
  'http://127。0。0。1/',
  'http://10.0.0.1:7050/',
]
for (const url of refusedHosts) {
  test(`${url} may not be opened, whatever the notation`, async () => {
    await assert.rejects(
      pinAddress(rulesWith(never), parsePageUrl(url)),
      (error) => outcomeOf(error) === 'ADDRESS_REFUSED',
    )
  })
}

test('a name with one private address among public ones is refused', async () => {
  const resolve: ResolveName = async () => [
    { address: '8.8.8.8', family: 4 },
    { address: '10.0.0.1', family: 4 },
  ]
  await assert.rejects(
    pinAddress(rulesWith(resolve), new URL('http://example.org/')),
    (error) => outcomeOf(error) === 'ADDRESS_REFUSED',
  )
})

test('an address of this machine is refused, however public it looks', async () => {
  const resolve: ResolveName = async () => [{ address: OWN_ADDRESS, family: 6 }]
  for (const url of ['http://example.org/', `http://[${OWN_ADDRESS}]/`]) {
    await assert.rejects(
      pinAddress(rulesWith(resolve), new URL(url)),
      (error) => outcomeOf(error) === 'ADDRESS_REFUSED',
    )
  }
})

test('a name that does not resolve is not found', async () => {
  for (const resolve of [never, async () => []]) {
    await assert.rejects(
      pinAddress(rulesWith(resolve), new URL('http://example.org/')),
      (error) => outcomeOf(error) === 'NOT_FOUND',
    )
  }
})

test('an allowed origin is exact: scheme, host and port', async () => {
  const rules = rulesWith(never, ['http://127.0.0.1:8080'])
  assert.deepEqual(await pinAddress(rules, new URL('http://127.0.0.1:8080/page')), {
    address: '127.0.0.1',
    family: 4,
  })
  for (const url of ['http://127.0.0.1:8081/', 'https://127.0.0.1:8080/', 'http://127.0.0.2:8080/']) {
    await assert.rejects(pinAddress(rules, new URL(url)), (error) => outcomeOf(error) === 'ADDRESS_REFUSED')
  }
})

function outcomeOf(error: unknown): unknown {
  return error instanceof ServiceError ? (error.details?.['reason'] ?? error.code) : error
}
