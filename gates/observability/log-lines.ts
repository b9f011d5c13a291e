import { Ajv, type ValidateFunction } from 'ajv'
import { createReadStream } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { SERVICE_NAMES, type ServiceName } from '#catalog'

/** What stands in the log files of the run. */
export interface LogReading {
  readonly valid: Readonly<Record<ServiceName, number>>
  /** The first few lines that are no valid line, each with the reason. */
  readonly invalid: { readonly service: ServiceName; readonly problem: string }[]
  readonly invalidCount: Readonly<Record<ServiceName, number>>
  /** Services in whose logs a wanted correlation id stands, and the error codes they logged under it. */
  readonly services: ReadonlyMap<string, ReadonlySet<ServiceName>>
  readonly codes: ReadonlyMap<string, ReadonlySet<string>>
}

interface Reader {
  readonly validate: ValidateFunction
  readonly isWanted: (correlationId: string) => boolean
  readonly valid: Record<ServiceName, number>
  readonly invalid: { service: ServiceName; problem: string }[]
  readonly invalidCount: Record<ServiceName, number>
  readonly services: Map<string, Set<ServiceName>>
  readonly codes: Map<string, Set<string>>
}

const NAMED_MAX = 20

/** Reads every line of every service's log, rotated files too, in each of these state folders. */
export async function readLogLines(
  homes: readonly string[],
  options: { readonly schemaFile: string; readonly isWanted: (correlationId: string) => boolean },
): Promise<LogReading> {
  const schema = JSON.parse(await readFile(options.schemaFile, 'utf8')) as object
  const zero = () => Object.fromEntries(SERVICE_NAMES.map((name) => [name, 0])) as Record<ServiceName, number>
  const reader: Reader = {
    validate: new Ajv({ strict: false }).compile(schema),
    isWanted: options.isWanted,
    valid: zero(),
    invalid: [],
    invalidCount: zero(),
    services: new Map(),
    codes: new Map(),
  }
  for (const home of homes)
    for (const file of await logFiles(join(home, 'logs'))) await readFileLines(reader, file)
  return reader
}

interface LogFile {
  readonly service: ServiceName
  readonly path: string
}

async function logFiles(folder: string): Promise<readonly LogFile[]> {
  const names = await readdir(folder).catch(() => [])
  return names.flatMap((name) => {
    const service = SERVICE_NAMES.find((candidate) => new RegExp(`^${candidate}\\.log(\\.\\d+)?$`).test(name))
    return service === undefined ? [] : [{ service, path: join(folder, name) }]
  })
}

async function readFileLines(reader: Reader, { service, path }: LogFile): Promise<void> {
  for await (const text of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    readLine(reader, service, text)
  }
}

function readLine(reader: Reader, service: ServiceName, text: string): void {
  const line = parsed(text)
  const problem = problemOf(reader, service, line)
  if (problem !== null) {
    reader.invalidCount[service] += 1
    if (reader.invalid.length < NAMED_MAX) reader.invalid.push({ service, problem })
    return
  }
  reader.valid[service] += 1
  const {
    correlation_id: id,
    error,
    response,
  } = line as {
    correlation_id: string | null
    error: { code: string } | null
    response: { code?: unknown } | null
  }
  if (id === null || !reader.isWanted(id)) return
  reader.services.set(id, (reader.services.get(id) ?? new Set()).add(service))
  // A degraded answer is no error: its code stands with the answer.
  for (const code of [error?.code, response?.code]) {
    if (typeof code === 'string') reader.codes.set(id, (reader.codes.get(id) ?? new Set()).add(code))
  }
}

function problemOf(reader: Reader, service: ServiceName, line: unknown): string | null {
  if (!reader.validate(line)) return reader.validate.errors?.[0]?.message ?? 'invalid'
  const named = (line as { service: string }).service
  return named === service ? null : `says it is of ${named}`
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
