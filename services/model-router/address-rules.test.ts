import assert from 'node:assert/strict'
import type { LookupAddress } from 'node:dns'
import { test } from 'node:test'
import fc from 'fast-check'
import { classifyAddress, guardedLookup, namesLoopback, refusalOfBaseUrl } from './address-rules.ts'

fc.configureGlobal({ seed: 20261124 })

const REFUSED_URLS = [
  // 169.254.169.254 in every notation that a URL parser or a resolver undoes
  'http://169.254.169.254/v1',
  'http://2852039166/v1',
  'http://0xa9fea9fe/v1',
  'http://0xA9.0xFE.0xA9.0xFE/v1',
  'http://0251.0376.0251.0376/v1',
  'http://169.254.43518/v1',
  'http://169.16689662/v1',
  'http://[::ffff:169.254.169.254]/v1',
  'http://[::ffff:a9fe:a9fe]/v1',
  'http://[0:0:0:0:0:ffff:a9fe:a9fe]/v1',
  'http://[::a9fe:a9fe]/v1',
  'http://[::ffff:0:a9fe:a9fe]/v1',
  'http://[64:ff9b::a9fe:a9fe]/v1',
  'http://[2002:a9fe:a9fe::]/v1',
  'http://169.254.169.254./v1',
  'http://①⑥⑨.②⑤④.①⑥⑨.②⑤④/v1',
  'http://169。254。169。254/v1',
  // other metadata and special addresses
  'http://[fd00:ec2::254]/latest',
  'http://[fd20:ce::254]/',
  'http://100.100.100.200/',
  'http://168.63.129.16/',
  'http://192.0.0.192/',
  'http://metadata.google.internal/v1',
  'http://METADATA.google.internal./v1',
  'http://metadata/v1',
  'http://[fe80::1]/',
  'http://[febf::1]/',
  'http://0.0.0.0/',
  'http://0/',
  'http://[::]/',
  'http://224.0.0.1/',
  'http://255.255.255.255/',
  'http://[ff02::1]/',
  // not an endpoint at all
  'ftp://example.org/',
  'file:///etc/passwd',
  'http://user:password@example.org/',
  'http://example.org/?a=b',
  'http://example.org/#f',
  'nonsense',
  '',
]

for (const url of REFUSED_URLS) {
  test(`${url === '' ? 'an empty text' : url} is refused as a base URL`, () => {
    assert.notEqual(refusalOfBaseUrl(url), null)
  })
}

for (const url of [
  'https://api.openai.com/v1',
  'http://127.0.0.1:11434/v1',
  'http://localhost:8000/v1',
  'http://[::1]:8000/v1',
  'http://192.168.1.20:8000/v1',
  'http://10.0.0.5/v1',
  'http://[fd12:3456::1]/v1',
]) {
  test(`${url} is accepted as a base URL`, () => {
    assert.equal(refusalOfBaseUrl(url), null)
  })
}

test('only a configuration that says loopback means loopback', () => {
  for (const url of [
    'http://127.0.0.1/',
    'http://localhost/',
    'http://[::1]/',
    'http://2130706433/',
    'http://127.1/',
  ]) {
    assert.equal(namesLoopback(new URL(url)), true, url)
  }
  for (const url of ['http://example.org/', 'http://localhost.example.org/', 'http://10.0.0.1/']) {
    assert.equal(namesLoopback(new URL(url)), false, url)
  }
})

test('every form of an IPv4 address inside an IPv6 address has the class of the IPv4 address', () => {
  const octet = fc.nat(255)
  fc.assert(
    fc.property(octet, octet, octet, octet, (a, b, c, d) => {
      const address = [a, b, c, d].join('.')
      const [high, low] = [((a << 8) | b).toString(16), ((c << 8) | d).toString(16)]
      const forms = [
        `::ffff:${address}`,
        `::ffff:${high}:${low}`,
        `64:ff9b::${high}:${low}`,
        `2002:${high}:${low}::`,
      ]
      for (const form of forms) assert.equal(classifyAddress(form), classifyAddress(address), form)
    }),
  )
})

test('what is no address is refused', () => {
  fc.assert(fc.property(fc.string(), (text) => assert.doesNotThrow(() => classifyAddress(text))))
  assert.equal(classifyAddress('example.org'), 'refused')
})

function resolve(addresses: readonly string[], allowLoopback: boolean): Promise<string | LookupAddress[]> {
  const lookup = guardedLookup({
    allowLoopback,
    resolve: (_host, done) =>
      done(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      ),
  })
  return new Promise((done, fail) => {
    lookup('name.example', { all: true }, (error, found) => (error === null ? done(found) : fail(error)))
  })
}

test('a name is refused when it resolves to a refused address at the moment of connecting', async () => {
  for (const address of ['169.254.169.254', 'fe80::1%eth0', '::ffff:169.254.1.1', '0.0.0.0']) {
    await assert.rejects(resolve([address], true), { name: 'UpstreamFault', kind: 'address_refused' })
    await assert.rejects(resolve(['93.184.216.34', address], true), { kind: 'address_refused' })
  }
})

test('a name that resolves to loopback is refused unless the configuration said loopback', async () => {
  await assert.rejects(resolve(['127.0.0.1'], false), { kind: 'address_refused' })
  await assert.rejects(resolve(['::1'], false), { kind: 'address_refused' })
  assert.deepEqual(await resolve(['127.0.0.1'], true), [{ address: '127.0.0.1', family: 4 }])
})

test('an ordinary name resolves to its addresses', async () => {
  assert.deepEqual(await resolve(['93.184.216.34'], false), [{ address: '93.184.216.34', family: 4 }])
})
