import type { DsseEnvelope } from './dsse.ts'

const SIGSTORE_MEDIA_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json'

export interface SigstoreBundle {
  readonly mediaType: string
  readonly verificationMaterial: {
    readonly publicKey: { readonly hint: string }
    readonly tlogEntries: readonly never[]
    readonly timestampVerificationData: { readonly rfc3161Timestamps: readonly never[] }
  }
  readonly dsseEnvelope: DsseEnvelope
}

/** The same envelope as cosign reads it: a v0.3 bundle holds exactly one signature and names its key by a hint. */
export function sigstoreBundle(envelope: DsseEnvelope): SigstoreBundle {
  const [signature, ...others] = envelope.signatures
  if (signature === undefined || others.length > 0)
    throw new Error('a sigstore bundle holds exactly one signature')
  return {
    mediaType: SIGSTORE_MEDIA_TYPE,
    verificationMaterial: {
      publicKey: { hint: signature.keyid },
      tlogEntries: [],
      timestampVerificationData: { rfc3161Timestamps: [] },
    },
    dsseEnvelope: envelope,
  }
}
