import type { StreamPart } from '../provider.ts'

/** What the client has seen of an answer so far; all that a continuation needs to know. */
export interface Progress {
  readonly hasBegun: boolean
  readonly said: string
  readonly toolCallBegan: boolean
  /** id, created and model of the first chunk: one answer keeps them, whoever goes on with it. */
  readonly head: Readonly<Record<string, unknown>> | null
}

export interface ProgressRecord {
  readonly current: Progress
  note(part: StreamPart): void
}

export function createProgress(options: { keepText: boolean }): ProgressRecord {
  const said: string[] = []
  let hasBegun = false
  let toolCallBegan = false
  let head: Progress['head'] = null
  return {
    get current() {
      return { hasBegun, said: said.join(''), toolCallBegan, head }
    },
    note(part) {
      hasBegun ||= part.hasToken
      toolCallBegan ||= part.beginsToolCall
      head ??= headOf(part)
      if (options.keepText) said.push(part.text)
    },
  }
}

function headOf({ chunk }: StreamPart): Progress['head'] {
  return chunk === null ? null : { id: chunk['id'], created: chunk['created'], model: chunk['model'] }
}
