import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { signDsse, type DsseEnvelope } from './dsse.ts'
import type { MachineKey } from './machine-key.ts'
import type { Manifest } from './manifest.ts'
import { sigstoreBundle } from './sigstore-bundle.ts'
import {
  PREDICATES,
  statementAbout,
  statementBytes,
  type BundleSubject,
  type Statement,
} from './statement.ts'
import type { GateResult, RunVerdict } from '../engine/types.ts'

export const PROVENANCE = 'provenance'

export interface Attestation {
  /** File name before `.dsse.json` and `.sigstore.json`. */
  readonly name: string
  readonly statement: Statement
}

/** The attestations that a bundle must carry: one per gate of its verdict, and how it came about. */
export function attestationsOf(
  subject: BundleSubject,
  manifest: Manifest,
  verdict: RunVerdict,
): readonly Attestation[] {
  return [
    ...verdict.gates.map((gate) => ({
      name: gate.gate,
      statement: statementAbout(subject, PREDICATES.testResult, testResult(gate, manifest)),
    })),
    {
      name: PROVENANCE,
      statement: statementAbout(subject, PREDICATES.provenance, provenance(manifest)),
    },
  ]
}

/** The two files of one attestation, as `[name, content]`. */
export function attestationFiles(
  attestation: Attestation,
  key: MachineKey,
): ReadonlyArray<readonly [string, string]> {
  return envelopeFiles(attestation.name, signDsse(statementBytes(attestation.statement), key))
}

export function envelopeFiles(
  name: string,
  envelope: DsseEnvelope,
): ReadonlyArray<readonly [string, string]> {
  return [
    [`${name}.dsse.json`, jsonLine(envelope)],
    [`${name}.sigstore.json`, jsonLine(sigstoreBundle(envelope))],
  ]
}

/**
 * test-result/v0.1 knows PASSED, WARNED and FAILED. What was not demonstrated is FAILED there, so that no reader of
 * that field alone lets it through; the verdict itself stands in our own member.
 */
function testResult(gate: GateResult, manifest: Manifest): Record<string, unknown> {
  const of = (verdict: string) => gate.criteria.filter((one) => one.verdict === verdict).map((one) => one.id)
  return {
    result: gate.verdict === 'PASS' ? 'PASSED' : 'FAILED',
    configuration: [{ name: 'criteria', digest: { sha256: manifest.released.criteria_sha256 } }],
    passedTests: of('PASS'),
    failedTests: [...of('FAIL'), ...of('INCONCLUSIVE')],
    sonia: {
      run_id: manifest.run_id,
      gate: gate.gate,
      profile: manifest.profile,
      purpose: manifest.purpose,
      verdict: gate.verdict,
      reasons: [...new Set(gate.criteria.flatMap((one) => one.reasons))].toSorted(),
      not_judged: gate.not_judged.map((one) => one.id),
    },
  }
}

/** SLSA provenance of the evidence: from which sources, by which machine, in which run. */
function provenance(manifest: Manifest): Record<string, unknown> {
  const { released } = manifest
  return {
    buildDefinition: {
      buildType: 'urn:sonia:gates-run:v1',
      externalParameters: { profile: manifest.profile, purpose: manifest.purpose },
      internalParameters: { versions: manifest.versions },
      resolvedDependencies: [
        { name: 'source', digest: { gitCommit: released.commit, gitTree: released.tree } },
        { name: 'package-lock.json', digest: { sha256: released.lock_file_sha256 } },
        { name: 'configuration', digest: { sha256: released.configuration_sha256 } },
        { name: 'policies', digest: { sha256: released.policies_sha256 } },
        { name: 'criteria', digest: { sha256: released.criteria_sha256 } },
      ],
    },
    runDetails: {
      builder: { id: `urn:sonia:machine:${manifest.producer.key_id}` },
      metadata: { invocationId: manifest.run_id, finishedOn: manifest.created_at },
    },
  }
}

/** The run that one of these attestations was made in, where it says so. */
export function runIdIn({ predicate }: Statement): string | undefined {
  if (Value.Check(TestResultShape, predicate)) return predicate.sonia.run_id
  return Value.Check(ProvenanceShape, predicate) ? predicate.runDetails.metadata.invocationId : undefined
}

const TestResultShape = Type.Object({ sonia: Type.Object({ run_id: Type.String() }) })
const ProvenanceShape = Type.Object({
  runDetails: Type.Object({ metadata: Type.Object({ invocationId: Type.String() }) }),
})

function jsonLine(value: unknown): string {
  return `${JSON.stringify(value)}\n`
}
