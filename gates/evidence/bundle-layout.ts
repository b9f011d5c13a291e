import { isSafePath, type FileRole } from './manifest.ts'

/** Names inside a bundle, each spelled once. */
export const LAYOUT = {
  report: 'report.html',
  verdict: 'verdict.json',
  inputs: 'inputs.json',
  sbom: 'sbom.cdx.json',
  blocks: 'prometheus/blocks',
  rules: 'prometheus/rules',
  prometheusConfig: 'prometheus/prometheus.yml',
  criteria: 'criteria',
  gates: 'gates',
  attestations: 'attestations',
  keys: 'keys',
  machineKeyPem: 'keys/machine.pem',
  machineKeyLine: 'keys/machine.pub',
  /** Key of the machine that sealed a release; another machine may have made the evidence. */
  sealerKeyPem: 'keys/sealer.pem',
  policy: 'keys/release-policy.json',
  policySignature: 'keys/release-policy.json.sig',
  checklist: 'RELEASE_CHECKLIST.md',
  /** The report again, with who signed. */
  releasePage: 'release.html',
} as const

/** The artefact that the seed names for a gate. */
export const SUMMARY_FILES: Readonly<Record<string, string>> = {
  'go-no-go': 'go-no-go-summary.json',
  soak: 'soak-metrics-final.json',
  security: 'security-tests.json',
  durability: 'restore-drill.json',
  determinism: 'integration-tests.json',
}

/** Files that come after the manifest and are checked by signature or by rendering again. */
export const OUTSIDE_MANIFEST: ReadonlySet<string> = new Set([
  'MANIFEST.json',
  'SHA256SUMS',
  LAYOUT.machineKeyPem,
  LAYOUT.machineKeyLine,
  LAYOUT.sealerKeyPem,
  LAYOUT.policy,
  LAYOUT.policySignature,
  LAYOUT.checklist,
  LAYOUT.releasePage,
])

const SINGLE_FILES: Readonly<Record<string, FileRole>> = {
  [LAYOUT.report]: 'report',
  [LAYOUT.verdict]: 'verdict',
  [LAYOUT.inputs]: 'inputs',
  [LAYOUT.sbom]: 'sbom',
  [LAYOUT.prometheusConfig]: 'prometheus-configuration',
}

const FOLDERS: ReadonlyArray<readonly [string, FileRole]> = [
  [`${LAYOUT.blocks}/`, 'recorded-blocks'],
  [`${LAYOUT.rules}/`, 'rules'],
  [`${LAYOUT.criteria}/`, 'criteria'],
  [`${LAYOUT.gates}/`, 'gate-input'],
]

/** What a file of the manifest is for; a path that has no place in a bundle is an error. */
export function roleOf(path: string): FileRole {
  if (!isSafePath(path)) throw new Error(`${JSON.stringify(path)} is not a path inside the bundle`)
  const single = SINGLE_FILES[path]
  if (single !== undefined) return single
  if (Object.values(SUMMARY_FILES).includes(path)) return 'summary'
  const folder = FOLDERS.find(([prefix]) => path.startsWith(prefix))
  if (folder === undefined) throw new Error(`${path} has no place in an evidence bundle`)
  return folder[1]
}
