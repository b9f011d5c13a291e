import type { LogLine } from './log-line.ts'

const COLOURS: Readonly<Record<string, string>> = {
  WARN: '\u001B[33m',
  ERROR: '\u001B[31m',
  FATAL: '\u001B[31m',
}
const RESET = '\u001B[0m'
const SERVICE_WIDTH = 13

/** One line for a person: time, level, service, what happened, correlation id. */
export function renderLogLine(line: LogLine, colour: boolean): string {
  const paint = colour ? COLOURS[line.level] : undefined
  const level = printable(line.level.padEnd(5))
  const parts = [
    printable(line.timestamp),
    paint === undefined ? level : `${paint}${level}${RESET}`,
    printable(line.service.padEnd(SERVICE_WIDTH)),
    printable(describeWork(line)),
    line.correlation_id ? `[${printable(line.correlation_id)}]` : '',
  ]
  return parts.filter((part) => part !== '').join(' ')
}

function describeWork({ operation, message, status_code, duration_ms, error }: LogLine): string {
  const facts = [
    operation,
    status_code,
    duration_ms === null || duration_ms === undefined ? null : `${duration_ms} ms`,
    message,
    error === null || error === undefined ? null : `${error.code}: ${error.message}`,
  ]
  return facts.filter((fact) => fact !== null && fact !== undefined && fact !== '').join(' ')
}

/** Log text comes from outside too: no control or direction character of it reaches the terminal. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, escapeOf)
}

function escapeOf(character: string): string {
  return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`
}
