import assert from 'node:assert/strict'
import { networkInterfaces } from 'node:os'
import { test } from 'node:test'
import { isOnOwnNetwork } from './own-networks.ts'

const common = { netmask: '', mac: '', internal: false }
const INTERFACES = {
  eth0: [
    { ...common, family: 'IPv4', address: '185.12.3.4', cidr: '185.12.3.4/24' },
    { ...common, family: 'IPv6', address: '2a01:4f8:1:2::5', cidr: '2a01:4f8:1:2::5/64', scopeid: 0 },
  ],
  ppp0: [
    { ...common, family: 'IPv4', address: '91.1.2.3', cidr: '91.1.2.3/0' },
    { ...common, family: 'IPv6', address: '2a02::9', cidr: null, scopeid: 0 },
  ],
} satisfies ReturnType<typeof networkInterfaces>

const ADDRESSES: readonly (readonly [string, boolean])[] = [
  ['185.12.3.4', true],
  ['185.12.3.77', true],
  ['185.12.4.1', false],
  ['91.1.2.3', true],
  ['91.1.2.4', false],
  ['2a01:4f8:1:2::5', true],
  ['2a01:4f8:1:2:ffff::1', true],
  ['2a01:4f8:1:3::1', false],
  ['2a02::9', true],
  ['2a02::a', false],
  ['1.1.1.1', false],
  ['nonsense', false],
]

test('addresses of this machine and its networks are its own, those of others are not', () => {
  for (const [address, isOwn] of ADDRESSES) assert.equal(isOnOwnNetwork(address, INTERFACES), isOwn, address)
})

test('whatever interfaces this machine has, their addresses are its own', () => {
  for (const list of Object.values(networkInterfaces()))
    for (const { address } of list ?? []) assert.equal(isOnOwnNetwork(address), true, address)
})
