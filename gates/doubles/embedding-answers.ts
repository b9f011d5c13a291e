import { createHash } from 'node:crypto'

const DIMENSIONS = 256

/**
 * Vectors without a model: each word (and each of its beginnings of four letters) has its own direction, so texts
 * that share words are near one another. Deterministic.
 */
export function embeddings(request: { readonly model: string; readonly input: string | readonly string[] }) {
  const texts = [request.input].flat()
  const data = texts.map((text, index) => ({ object: 'embedding', index, embedding: vectorOf(text) }))
  const tokens = texts.reduce((sum, text) => sum + wordsOf(text).length, 0)
  return {
    object: 'list',
    model: request.model,
    data,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  }
}

function vectorOf(text: string): number[] {
  const sum = Array<number>(DIMENSIONS).fill(0)
  for (const word of wordsOf(text)) {
    for (const feature of [word, word.slice(0, 4)]) addDirection(sum, feature)
  }
  const length = Math.hypot(...sum) || 1
  return sum.map((value) => Math.round((value / length) * 1e6) / 1e6)
}

function addDirection(sum: number[], feature: string): void {
  const digest = createHash('sha256').update(feature).digest()
  for (let index = 0; index < 8; index++) {
    const at = digest.readUInt8(index * 2)
    const sign = digest.readUInt8(index * 2 + 1) < 128 ? -1 : 1
    sum[at] = (sum[at] ?? 0) + sign
  }
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []
}
