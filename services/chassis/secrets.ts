import { readFileSync } from 'node:fs'

const REFERENCE = /^(env|file):(.+)$/s

/** Resolves "env:NAME" or "file:PATH". The error names the reference, never what it holds. */
export function createSecretReader(
  env: Readonly<Record<string, string | undefined>>,
): (reference: string) => string {
  return (reference) => {
    const match = REFERENCE.exec(reference)
    if (match === null) throw new Error('A secret must be a reference: env:NAME or file:PATH')
    const [, kind, where = ''] = match
    const value = kind === 'env' ? env[where] : readSecretFile(where)
    if (value === undefined || value === '') throw new Error(`The secret ${kind}:${where} is absent or empty`)
    return value
  }
}

function readSecretFile(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (cause) {
    throw new Error(`The secret file:${path} cannot be read`, { cause })
  }
}
