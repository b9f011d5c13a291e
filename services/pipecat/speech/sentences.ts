const SENTENCE_CHARACTERS_MAX = 300
const BOUNDARY = /[.!?…。！？]+["'”’»)\]]*\s|\n/
/** A full stop after these is no end. */
const ABBREVIATION = /(^|\s)(\p{L}|Dr|Mr|Mrs|Ms|Prof|St|vs|etc|ca|bzw|Nr)\.\s$/u

/** Cuts text that comes in pieces into sentences to be spoken; the same sentences however it was cut. */
export function createSentences() {
  let pending = ''

  function next(): string | null {
    const end = endOfSentence(pending)
    if (end === null) return null
    const sentence = pending.slice(0, end)
    pending = pending.slice(end)
    return sentence
  }

  return {
    push(text: string): string[] {
      pending += text
      const found: string[] = []
      for (let sentence = next(); sentence !== null; sentence = next()) found.push(sentence)
      return found.map((sentence) => sentence.trim()).filter(isSpeakable)
    },
    /** What is left when the text is complete. */
    flush(): string[] {
      const last = pending.trim()
      pending = ''
      return isSpeakable(last) ? [last] : []
    },
  }
}

function endOfSentence(text: string): number | null {
  const window = text.slice(0, SENTENCE_CHARACTERS_MAX)
  for (let from = 0; from < window.length; ) {
    const match = BOUNDARY.exec(window.slice(from))
    if (match === null) break
    const end = from + match.index + match[0].length
    if (!ABBREVIATION.test(window.slice(0, end))) return end
    from = end
  }
  return text.length > SENTENCE_CHARACTERS_MAX ? lastSpace(window) : null
}

function lastSpace(window: string): number {
  const space = window.lastIndexOf(' ')
  if (space > 0) return space + 1
  const isPairCut = /[\uD800-\uDBFF]$/.test(window)
  return isPairCut ? window.length - 1 : window.length
}

function isSpeakable(text: string): boolean {
  return /[\p{L}\p{N}]/u.test(text)
}
