import type { CheckResult, Finding, PreflightReport } from './report.ts'

/** The report as SARIF 2.1.0, which code scanning tools read. */
export function sarifOf({ checks }: PreflightReport, version: string): object {
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'sonia-preflight',
            version,
            rules: checks.map(({ id, title }) => ({ id, shortDescription: { text: title } })),
          },
        },
        results: checks.flatMap(resultsOf),
        invocations: [{ executionSuccessful: true }],
      },
    ],
  }
}

/** Passed checks are results too: a reader sees that they were made. */
function resultsOf({ id, title, outcome, detail, findings }: CheckResult): readonly object[] {
  if (findings.length > 0) return findings.map((finding) => resultOf(id, finding))
  const kind = outcome === 'not_applicable' ? 'notApplicable' : 'pass'
  return [{ ruleId: id, kind, level: 'none', message: { text: `${title}: ${detail}` } }]
}

function resultOf(ruleId: string, { level, path, line, message }: Finding): object {
  const place = path === null ? [] : [locationOf(path, line)]
  return {
    ruleId,
    kind: 'fail',
    level,
    message: { text: message },
    ...(place.length > 0 ? { locations: place } : {}),
  }
}

function locationOf(path: string, line: number | null): object {
  const region = line === null ? {} : { region: { startLine: line } }
  return {
    physicalLocation: {
      artifactLocation: { uri: path.split('/').map(encodeURIComponent).join('/') },
      ...region,
    },
  }
}
