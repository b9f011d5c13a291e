import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface ScriptEnd {
  readonly exitCode: number | null
  readonly text: string
}

/**
 * One program to its end; what it prints is kept. Long work is done in processes of its own, so that the figures of
 * this one can be scraped meanwhile.
 */
export function runProgram(
  command: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<ScriptEnd> {
  const [program = '', ...args] = command
  const child = spawn(program, args, { env: { ...env }, stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    text += piece
  })
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ exitCode: null, text: error.message }))
    child.once('close', (exitCode) => resolve({ exitCode, text }))
  })
}

/** A script of this folder that takes one JSON argument and prints one JSON answer. Throws where it fails. */
export async function runScript<T>(name: string, argument: object): Promise<T> {
  const path = fileURLToPath(new URL(name, import.meta.url))
  const { exitCode, text } = await runProgram([process.execPath, path, JSON.stringify(argument)], {})
  if (exitCode !== 0) throw new Error(`${name} ended with ${exitCode}: ${text.slice(-200)}`)
  return JSON.parse(text) as T
}
