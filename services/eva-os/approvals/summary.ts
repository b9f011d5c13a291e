import { hash } from 'node:crypto'
import type { Envelope } from './envelope.ts'

export interface Summary {
  /** One short line: what kind of thing. */
  readonly action: string
  /** Everything that matters for a decision. */
  readonly summary: string
}

/** More than openclaw lets a command have, so that a person sees all of it. What is cut all the same is named by digest. */
const WORD_CHARACTERS_MAX = 8_192
const WORDS_MAX = 256

/**
 * What a person reads before deciding. Made from the envelope (and arguments whose digest the envelope holds)
 * alone, with every invisible or direction-changing character shown as its escape: no text of the caller's own.
 */
export function summarise(envelope: Envelope, args: Readonly<Record<string, unknown>>): Summary {
  const action = actionOf(envelope, args)
  const lines = [
    `${envelope.tool}: ${action}`,
    ...(envelope.cwd === null ? [] : [`in folder ${shown(envelope.cwd.path)}`]),
    ...(envelope.program === null
      ? []
      : [`program ${shown(envelope.program.path)} sha256 ${envelope.program.sha256.slice(0, 16)}...`]),
    ...envelope.operands
      .slice(0, WORDS_MAX)
      .map(
        ({ path, sha256 }) =>
          `on ${shown(path)}${sha256 === null ? '' : ` sha256 ${sha256.slice(0, 16)}...`}`,
      ),
    ...(envelope.operands.length > WORDS_MAX
      ? [`and ${envelope.operands.length - WORDS_MAX} more files`]
      : []),
    `${envelope.tier}, at most ${envelope.timeout_ms} ms`,
    `asked by ${shown(envelope.principal)}${envelope.session_id === null ? '' : ` in session ${shown(envelope.session_id)}`}`,
  ]
  return { action, summary: lines.join('\n') }
}

function actionOf(envelope: Envelope, args: Readonly<Record<string, unknown>>): string {
  if (envelope.argv !== null) return `run ${shownWords(envelope.argv)}`
  switch (envelope.tool) {
    case 'file.read':
      return `read ${shown(args['path'])}`
    case 'file.write':
      return `write ${byteLength(args['content'])} bytes to ${shown(args['path'])}`
    case 'browser.open':
      return `open ${shown(args['url'])}`
    default:
      return `call ${shown(envelope.tool)} with arguments of sha256 ${envelope.canonical_args_sha256}`
  }
}

function byteLength(content: unknown): number {
  return typeof content === 'string' ? Buffer.byteLength(content) : 0
}

function shownWords(words: readonly string[]): string {
  const rest = words.length - WORDS_MAX
  return [...words.slice(0, WORDS_MAX).map(shown), ...(rest > 0 ? [`(and ${rest} more words)`] : [])].join(
    ' ',
  )
}

/** Characters that show themselves and are no other one's look-alike in a terminal: printable ASCII. */
const PLAIN_WORD = /^[A-Za-z0-9_@%+=:,./-]+$/
const NOT_ASCII_PRINTABLE = /[^\x20-\x7e]/gu

/** A word as it is where that is unmistakable, else in double quotes with escapes. */
export function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing')
  const cut = text.length > WORD_CHARACTERS_MAX ? text.slice(0, WORD_CHARACTERS_MAX) : text
  const tail = cut === text ? '' : `... (${text.length} characters, sha256 ${hash('sha256', text)})`
  if (PLAIN_WORD.test(cut)) return cut + tail
  return JSON.stringify(cut).replaceAll(NOT_ASCII_PRINTABLE, escaped) + tail
}

function escaped(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
}
