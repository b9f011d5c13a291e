import { parseSshKey, type SshPublicKey } from './ssh-key.ts'

/** One line of an OpenSSH allowed-signers file (ssh-keygen(1), ALLOWED SIGNERS). */
export interface AllowedSigner {
  readonly principals: readonly string[]
  readonly key: SshPublicKey
  readonly namespaces: readonly string[] | null
  readonly validAfter: string | null
  readonly validBefore: string | null
}

interface Options {
  namespaces: readonly string[] | null
  validAfter: string | null
  validBefore: string | null
}

const KEY_TYPE = /^(?:ssh-|ecdsa-|sk-)[a-z0-9@.-]+$/u

/** Reads a whole file; a line that cannot be read is an error, never skipped: it may be the one that restricts. */
export function parseAllowedSigners(text: string): readonly AllowedSigner[] {
  return text
    .split('\n')
    .map((line, index) => ({ line: line.trim(), number: index + 1 }))
    .filter(({ line }) => line !== '' && !line.startsWith('#'))
    .map(({ line, number }) => parseLine(line, number))
}

/** Whether a signer may sign in a namespace at a moment (milliseconds since the epoch). */
export function mayUse(signer: AllowedSigner, namespace: string, atMs: number): boolean {
  if (signer.namespaces !== null && !signer.namespaces.includes(namespace)) return false
  if (signer.validAfter !== null && atMs < sshTimeMs(signer.validAfter)) return false
  return signer.validBefore === null || atMs < sshTimeMs(signer.validBefore)
}

/** `YYYYMMDD[HHMM[SS]][Z]`, always read as UTC so that no verdict depends on a time zone. */
export function sshTimeMs(text: string): number {
  const found = /^(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?Z?$/u.exec(text)
  if (found === null) throw new Error(`${text} is not a time as ssh-keygen writes it`)
  const [year, month, day, hour, minute, second] = found.slice(1).map((part) => Number(part ?? 0))
  const ms = Date.UTC(year ?? 0, (month ?? 1) - 1, day ?? 1, hour ?? 0, minute ?? 0, second ?? 0)
  // A thirteenth month would silently be next year.
  const digits = text.replace('Z', '').padEnd(14, '0')
  if (!sshTime(ms).startsWith(digits)) throw new Error(`${text} is no moment of the calendar`)
  return ms
}

/** The form that `valid-after` and `valid-before` take, in UTC. */
export function sshTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replaceAll(/[-:T]/gu, '')}Z`
}

function parseLine(line: string, number: number): AllowedSigner {
  const words = splitWords(line)
  const [principals, second] = words
  if (principals === undefined || second === undefined) throw new Error(`line ${number}: too short`)
  // To ssh-keygen such a line matches others than those it names; here it would trust the key for all.
  if (principals.includes('!')) throw new Error(`line ${number}: negated principals are not supported here`)
  const hasOptions = !KEY_TYPE.test(second)
  const rest = words.slice(hasOptions ? 2 : 1).join(' ')
  const options = hasOptions ? parseOptions(second, number) : noOptions()
  return { principals: unquote(principals).split(','), key: parseSshKey(rest), ...options }
}

/** Words end at spaces outside double quotes. */
function splitWords(line: string): readonly string[] {
  return line.match(/(?:"[^"]*"|[^\s"])+/gu) ?? []
}

function parseOptions(text: string, number: number): Options {
  const options = noOptions()
  const seen = new Set<string>()
  for (const part of text.match(/(?:"[^"]*"|[^,"])+/gu) ?? []) {
    const [name, value] = splitAt(part, part.indexOf('='))
    if (seen.has(name)) throw new Error(`line ${number}: the option ${name} stands there twice`)
    seen.add(name)
    if (name === 'namespaces') options.namespaces = unquote(value).split(',')
    else if (name === 'valid-after') options.validAfter = checkedTime(unquote(value))
    else if (name === 'valid-before') options.validBefore = checkedTime(unquote(value))
    else throw new Error(`line ${number}: the option ${name} is not supported here`)
  }
  return options
}

function noOptions(): Options {
  return { namespaces: null, validAfter: null, validBefore: null }
}

function checkedTime(text: string): string {
  sshTimeMs(text)
  return text
}

function splitAt(text: string, index: number): readonly [string, string] {
  return index < 0 ? [text, ''] : [text.slice(0, index), text.slice(index + 1)]
}

function unquote(text: string): string {
  return text.replaceAll('"', '')
}
