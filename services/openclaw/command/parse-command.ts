import { refusal } from '../refusal.ts'

const COMMAND_CHARACTERS_MAX = 8_192
const COMMAND_WORDS_MAX = 256

/** Unquoted characters that mean themselves to every POSIX shell, in any position. */
const PLAIN = /[\p{L}\p{N}\p{M}_@%+=:,./-]/u

/** Control, format (bidirectional, zero-width) and unpaired surrogate characters: invisible to whoever approves. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u

/**
 * Splits a command into argv without a shell. Understands words, blanks, single and double quotes; whatever
 * else a shell would interpret is refused, so that for every accepted command `sh` sees the same words.
 */
export function parseCommand(command: string): readonly string[] {
  if (command.length > COMMAND_CHARACTERS_MAX) throw refusal('SHELL_SYNTAX', 'The command is too long.')
  if (INVISIBLE.test(command.replaceAll('\t', ' '))) {
    throw refusal('SHELL_SYNTAX', 'The command contains control or invisible characters.')
  }
  const words = splitWords(command)
  const [program] = words
  if (program === undefined) throw refusal('SHELL_SYNTAX', 'The command is empty.')
  if (program.includes('=')) throw refusal('SHELL_SYNTAX', 'Assignments before a program are not supported.')
  if (words.length > COMMAND_WORDS_MAX) throw refusal('SHELL_SYNTAX', 'The command has too many words.')
  return words
}

function splitWords(command: string): string[] {
  const words: string[] = []
  const characters = Array.from(command)
  let word: string | null = null
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] ?? ''
    if (character === ' ' || character === '\t') {
      if (word !== null) words.push(word)
      word = null
    } else if (character === "'" || character === '"') {
      const quoted: string = readQuoted(characters, at)
      word = (word ?? '') + quoted
      at += Array.from(quoted).length + 1
    } else {
      word = (word ?? '') + plain(character)
    }
  }
  if (word !== null) words.push(word)
  return words
}

/** The text between the quote at `start` and its partner. */
function readQuoted(characters: readonly string[], start: number): string {
  const quote = characters[start]
  const end = characters.indexOf(quote ?? '', start + 1)
  if (end < 0) throw refusal('SHELL_SYNTAX', 'A quote is not closed.')
  const inner = characters.slice(start + 1, end)
  if (quote === '"' && inner.some((character) => '$`\\'.includes(character))) {
    throw refusal('SHELL_SYNTAX', 'Substitutions and escapes inside double quotes are not supported.')
  }
  return inner.join('')
}

function plain(character: string): string {
  if (PLAIN.test(character)) return character
  throw refusal(
    'SHELL_SYNTAX',
    'Operators, substitutions, globs and escapes are not supported; quote literal text.',
  )
}
