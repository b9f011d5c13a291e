import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { readSoniaJson } from '../configuration.ts'
import type { PreflightOptions } from '../options.ts'
import { type Check, type Finding, problem } from '../report.ts'

const DAYS_MIN = 14
const DAY_MS = 86_400_000

/** Where TLS is configured: the certificate holds for 14 more days, and the key is its own. */
export function tlsFilesCheck(options: PreflightOptions): Check {
  return {
    id: 'tls-files',
    title: `certificates are valid for ${DAYS_MIN} days and belong to their keys`,
    run() {
      const files = tlsFiles(readSoniaJson(options))
      if (files === undefined) return { notApplicable: 'no TLS files are configured' }
      const { cert_file: cert, key_file: key } = files
      if (cert === undefined || key === undefined) {
        return { looked: 'tls', findings: [problem('tls needs cert_file and key_file', 'config/sonia.json')] }
      }
      const at = (path: string) => readFileSync(resolve(options.folders.home, path))
      return {
        looked: cert,
        findings: judge(at(cert), at(key), { path: cert, nowMs: options.host.clock.nowMs() }),
      }
    },
  }
}

function tlsFiles(config: unknown): { cert_file?: string; key_file?: string } | undefined {
  const tls = (config as { tls?: unknown } | undefined)?.tls
  return typeof tls === 'object' && tls !== null
    ? (tls as { cert_file?: string; key_file?: string })
    : undefined
}

function judge(certBytes: Buffer, keyBytes: Buffer, at: { path: string; nowMs: number }): readonly Finding[] {
  const certificate = new X509Certificate(certBytes)
  const daysLeft = (Date.parse(certificate.validTo) - at.nowMs) / DAY_MS
  const isEarly = Date.parse(certificate.validFrom) > at.nowMs
  const isOurs = certificate.checkPrivateKey(createPrivateKey(keyBytes))
  return [
    ...(isEarly ? [problem('the certificate is not valid yet', at.path)] : []),
    ...(daysLeft < DAYS_MIN ? [problem(`the certificate ends in ${daysLeft.toFixed(1)} days`, at.path)] : []),
    ...(isOurs ? [] : [problem('the key is not the key of the certificate', at.path)]),
  ]
}
