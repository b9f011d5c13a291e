export const OPENMETRICS_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8'

const EOF_LINE = '# EOF'

/**
 * One valid OpenMetrics document from prom-client's and exporter-prometheus' answers. Each of these takes a target down:
 * a UNIT that is no suffix of its name, the type `untyped`, a blank line, no EOF, anything after EOF.
 */
export function mergeOpenMetrics(own: string, fromOpenTelemetry: string): string {
  const extra = fromOpenTelemetry.split('\n').filter(isKept).map(asOpenMetrics)
  const body = own.split('\n').filter((line) => line !== '' && line !== EOF_LINE)
  return [...body, ...extra, EOF_LINE, ''].join('\n')
}

function isKept(line: string): boolean {
  return line !== '' && line !== EOF_LINE && !line.startsWith('# UNIT') && !line.startsWith('# no registered')
}

function asOpenMetrics(line: string): string {
  const meta = /^# (TYPE|HELP) (\S+?)(_total)? (.*)$/.exec(line)
  if (meta === null) return line
  const [, kind, name, , rest] = meta
  return `# ${kind} ${name} ${kind === 'TYPE' && rest === 'untyped' ? 'unknown' : rest}`
}
