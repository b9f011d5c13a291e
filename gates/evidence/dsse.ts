import { sign, verify, type KeyObject } from 'node:crypto'
import type { MachineKey } from './machine-key.ts'

export interface DsseSignature {
  readonly keyid: string
  /** Base64 of the signature over the pre-authentication encoding. */
  readonly sig: string
}

/** Envelope of the Dead Simple Signing Envelope, version 1. */
export interface DsseEnvelope {
  readonly payloadType: string
  readonly payload: string
  readonly signatures: readonly DsseSignature[]
}

export const IN_TOTO_TYPE = 'application/vnd.in-toto+json'

/** Pre-authentication encoding: what is signed, so that type and payload cannot be re-split. */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Buffer {
  const type = Buffer.from(payloadType)
  return Buffer.concat([
    Buffer.from(`DSSEv1 ${type.length} `),
    type,
    Buffer.from(` ${payload.length} `),
    payload,
  ])
}

export function signDsse(payload: Uint8Array, key: MachineKey, payloadType = IN_TOTO_TYPE): DsseEnvelope {
  const sig = sign('sha256', preAuthEncoding(payloadType, payload), key.privateKey)
  return {
    payloadType,
    payload: Buffer.from(payload).toString('base64'),
    signatures: [{ keyid: key.keyId, sig: sig.toString('base64') }],
  }
}

/** Whether one signature of the envelope is this key's over exactly this payload. */
export function isSignedBy(envelope: DsseEnvelope, signature: DsseSignature, publicKey: KeyObject): boolean {
  const encoded = preAuthEncoding(envelope.payloadType, payloadOf(envelope))
  return verify('sha256', encoded, publicKey, Buffer.from(signature.sig, 'base64'))
}

export function payloadOf(envelope: DsseEnvelope): Buffer {
  return Buffer.from(envelope.payload, 'base64')
}

/**
 * Reads an envelope strictly: unknown members, odd base64 and no signature at all are errors, and so is any other way
 * to write it than ours. Another reader may take the first of two members of one name.
 */
export function parseDsse(text: string): DsseEnvelope {
  const value: unknown = JSON.parse(text)
  const { payloadType, payload, signatures } = members(value, ['payloadType', 'payload', 'signatures'])
  if (payloadType !== IN_TOTO_TYPE) throw new Error(`the payload type is not ${IN_TOTO_TYPE}`)
  if (!Array.isArray(signatures) || signatures.length === 0)
    throw new Error('the envelope carries no signature')
  const envelope = {
    payloadType,
    payload: strictBase64(payload),
    signatures: signatures.map((one: unknown) => {
      const { keyid, sig } = members(one, ['keyid', 'sig'])
      if (typeof keyid !== 'string' || keyid === '') throw new Error('a signature has no key id')
      return { keyid, sig: strictBase64(sig) }
    }),
  }
  if (text !== `${JSON.stringify(envelope)}\n`)
    throw new Error('it says more than its envelope, or says it twice')
  return envelope
}

function members(value: unknown, names: readonly string[]): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error('the envelope is not an object')
  const unknownName = Object.keys(value).find((name) => !names.includes(name))
  if (unknownName !== undefined) throw new Error(`the envelope has an unknown member ${unknownName}`)
  return { ...value }
}

function strictBase64(text: unknown): string {
  if (typeof text !== 'string' || text === '' || Buffer.from(text, 'base64').toString('base64') !== text)
    throw new Error('the envelope has malformed base64')
  return text
}
