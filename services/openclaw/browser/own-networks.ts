import { BlockList, isIP } from 'node:net'
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os'

/**
 * True for an address of this machine, or of a network that it is part of: with IPv6 also the printer in the next room
 * has an address that looks public. Asked anew each time, since networks come and go.
 */
export function isOnOwnNetwork(address: string, interfaces = networkInterfaces()): boolean {
  const own = new BlockList()
  for (const { address: mine, family, cidr } of Object.values(interfaces).flatMap((list) => list ?? []))
    own.addSubnet(mine, prefixOf(cidr, family), familyName(family))
  switch (isIP(address)) {
    case 4:
      return own.check(address, 'ipv4')
    case 6:
      return own.check(address, 'ipv6')
    default:
      return false
  }
}

/** A network shorter than any that is one network of neighbours counts as the one address. */
const PREFIX_MIN = { IPv4: 16, IPv6: 48 } as const
const PREFIX_MAX = { IPv4: 32, IPv6: 128 } as const

function prefixOf(cidr: string | null, family: NetworkInterfaceInfo['family']): number {
  const prefix = Number(cidr?.split('/')[1] ?? PREFIX_MAX[family])
  return prefix < PREFIX_MIN[family] ? PREFIX_MAX[family] : prefix
}

function familyName(family: NetworkInterfaceInfo['family']): 'ipv4' | 'ipv6' {
  return family === 'IPv4' ? 'ipv4' : 'ipv6'
}
