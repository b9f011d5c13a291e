import { chown, mkdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { CaseRun } from '../case-run.ts'
import type { Received, ToolRequest } from '../corpus-case.ts'
import { type RawAnswer, asObject, readAnswer } from '../corpus-client.ts'

/** What a procedure is given: the run, the case's parameters, and a principal of its own. */
export interface ProcedureCall {
  readonly run: CaseRun
  readonly parameters: Readonly<Record<string, unknown>>
  readonly principal: string
}

/** What came back of the step that matters, and all text that the attacker saw. */
export interface ProcedureResult {
  readonly received: Received
  readonly text: string
}

/** An outcome that is nobody's answer: a step of the procedure showed that a control did not hold. */
export function notHeld(what: string): ProcedureResult {
  return { received: { status: 0, code: what, reason: null, execution: null }, text: '' }
}

export function resultOf(answer: RawAnswer): ProcedureResult {
  return { received: readAnswer(answer), text: answer.text }
}

export type Procedure = (call: ProcedureCall) => Promise<ProcedureResult>

/** The tool call under `name` of a procedure's parameters. */
export function toolOf({ parameters }: ProcedureCall, name: string): Omit<ToolRequest, 'kind'> {
  const value = asObject(parameters[name])
  const args = asObject(value?.['args'])
  const extra = asObject(value?.['extra'])
  if (value === null || args === null) throw new Error(`the procedure needs a tool call "${name}"`)
  return { tool_name: String(value['tool_name']), args, ...(extra === null ? {} : { extra }) }
}

export function numberOf({ parameters }: ProcedureCall, name: string): number {
  const value = parameters[name]
  if (typeof value !== 'number') throw new Error(`the procedure needs a number "${name}"`)
  return value
}

/** Runs `body` with the files of the case in `security/work`, which is empty before and after. */
export async function withWorkFiles<T>(
  call: ProcedureCall,
  body: (folder: string) => Promise<T>,
): Promise<T> {
  const { sandbox } = call.run.world
  const folder = join(sandbox, 'security', 'work')
  await makeEmpty(sandbox, folder)
  try {
    await writeFiles(folder, asObject(call.parameters['files']) ?? {})
    return await body(folder)
  } finally {
    await makeEmpty(sandbox, folder)
  }
}

export async function writeFiles(folder: string, files: Readonly<Record<string, unknown>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), String(content))
}

/** Belongs to whoever the sandbox belongs to: contained programs run as that user. */
async function makeEmpty(sandbox: string, folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 })
  await mkdir(folder, { mode: 0o755 })
  const { uid, gid } = await stat(sandbox)
  if (process.getuid?.() === 0) await chown(folder, uid, gid)
}
