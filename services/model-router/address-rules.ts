import { lookup as dnsLookup, type LookupAddress, type LookupOptions } from 'node:dns'
import { BlockList, isIP } from 'node:net'
import { UpstreamFault } from './upstream-fault.ts'

/**
 * Where a configured endpoint may point. Link-local and metadata addresses never; loopback only where the
 * configuration names it. Private networks are allowed: a model server in the house is the usual case.
 */
export type AddressClass = 'allowed' | 'loopback' | 'refused'

const REFUSED = blockList({
  ipv4: [
    ['0.0.0.0', 8], // "this host": connects to loopback on Linux
    ['169.254.0.0', 16], // link-local, most clouds' metadata
    ['100.100.100.200', 32], // Alibaba metadata
    ['168.63.129.16', 32], // Azure wire server
    ['192.0.0.192', 32], // Oracle metadata
    ['224.0.0.0', 4], // multicast
    ['240.0.0.0', 4], // reserved and broadcast
  ],
  ipv6: [
    ['::', 128],
    ['fe80::', 10], // link-local
    ['fec0::', 10], // site-local, retired
    ['fd00:ec2::254', 128], // AWS metadata
    ['fd20:ce::254', 128], // Google metadata
    ['ff00::', 8], // multicast
  ],
})
const LOOPBACK = blockList({ ipv4: [['127.0.0.0', 8]], ipv6: [['::1', 128]] })
const METADATA_NAMES = /(^|\.)(metadata\.google\.internal|metadata\.goog|instance-data|metadata)$/

type Ranges = readonly (readonly [string, number])[]

function blockList(ranges: { ipv4: Ranges; ipv6: Ranges }): BlockList {
  const list = new BlockList()
  for (const [net, prefix] of ranges.ipv4) list.addSubnet(net, prefix, 'ipv4')
  for (const [net, prefix] of ranges.ipv6) list.addSubnet(net, prefix, 'ipv6')
  return list
}

export function classifyAddress(address: string): AddressClass {
  const bare = address.replace(/%.*$/, '')
  const embedded = embeddedIpv4(bare)
  if (embedded !== null) return classifyAddress(embedded)
  const family = isIP(bare) === 6 ? 'ipv6' : 'ipv4'
  if (isIP(bare) === 0 || REFUSED.check(bare, family)) return 'refused'
  return LOOPBACK.check(bare, family) ? 'loopback' : 'allowed'
}

/** Prefixes of IPv6 addresses that hold an IPv4 address, and the group where it begins. */
const HOLDING_IPV4: readonly { readonly groups: readonly number[]; readonly at: number }[] = [
  { groups: [0, 0, 0, 0, 0, 0xffff], at: 6 }, // mapped
  { groups: [0, 0, 0, 0, 0, 0], at: 6 }, // compatible, retired
  { groups: [0, 0, 0, 0, 0xffff, 0], at: 6 }, // translated
  { groups: [0x64, 0xff9b], at: 6 }, // NAT64
  { groups: [0x2002], at: 1 }, // 6to4
]

/** The IPv4 address inside an IPv6 address, or null; the unspecified address and loopback are themselves. */
function embeddedIpv4(address: string): string | null {
  if (isIP(address) !== 6) return null
  const canonical = new URL(`http://[${address}]/`).hostname.slice(1, -1)
  if (canonical === '::' || canonical === '::1') return null
  const groups = expandIpv6(canonical)
  const holder = HOLDING_IPV4.find((prefix) => prefix.groups.every((group, index) => groups[index] === group))
  if (holder === undefined) return null
  const [high = 0, low = 0] = groups.slice(holder.at, holder.at + 2)
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

function expandIpv6(canonical: string): number[] {
  const [head = '', tail] = canonical.split('::')
  const parse = (text: string) =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16))
  if (tail === undefined) return parse(head)
  const [left, right] = [parse(head), parse(tail)]
  return [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right]
}

/** Why a configured base URL is refused, or null. Alternative notations (decimal, octal, hex) are undone by URL. */
export function refusalOfBaseUrl(text: string): string | null {
  if (!URL.canParse(text)) return 'is not a URL'
  const url = new URL(text)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return 'must be http or https'
  if (url.username !== '' || url.password !== '') return 'must not hold credentials'
  if (url.search !== '' || url.hash !== '') return 'must not have a query or fragment'
  const host = hostOf(url)
  if (METADATA_NAMES.test(host)) return 'names a metadata service'
  if (isIP(host) !== 0 && classifyAddress(host) === 'refused')
    return 'is a link-local, metadata or special address'
  return null
}

/** Whether the configuration itself says loopback, so that loopback is what the operator means. */
export function namesLoopback(url: URL): boolean {
  const host = hostOf(url)
  return (
    host === 'localhost' ||
    host.endsWith('.localhost') ||
    (isIP(host) !== 0 && classifyAddress(host) === 'loopback')
  )
}

function hostOf(url: URL): string {
  return url.hostname
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase()
}

type LookupCallback = (error: Error | null, address: string | LookupAddress[], family?: number) => void
export type Lookup = (host: string, options: LookupOptions, callback: LookupCallback) => void
export type ResolveAll = (
  host: string,
  done: (error: Error | null, addresses: LookupAddress[]) => void,
) => void

const resolveAll: ResolveAll = (host, done) => dnsLookup(host, { all: true }, done)

/**
 * A resolver for the connector: checks every address at the moment of connecting, so a name that later
 * points elsewhere (rebinding) is refused too.
 */
export function guardedLookup(options: { allowLoopback: boolean; resolve?: ResolveAll }): Lookup {
  const isAllowed = ({ address }: LookupAddress) => {
    const kind = classifyAddress(address)
    return kind === 'allowed' || (kind === 'loopback' && options.allowLoopback)
  }
  return (host, lookupOptions, callback) => {
    const resolve = options.resolve ?? resolveAll
    resolve(host, (error, addresses) => {
      const [first] = addresses ?? []
      if (error !== null || first === undefined) return callback(error ?? new Error('no address'), '')
      if (!addresses.every(isAllowed)) {
        return callback(
          new UpstreamFault('address_refused', 'the endpoint resolves to a refused address'),
          '',
        )
      }
      return lookupOptions.all === true
        ? callback(null, addresses)
        : callback(null, first.address, first.family)
    })
  }
}
