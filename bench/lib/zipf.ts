export interface Cumulative {
  /** A rank from 0, the most frequent, by the inverse of the cumulated frequencies. */
  readonly draw: (random: () => number) => number
}

const VOCABULARY = 50_000

/** Zipf's law with exponent 1: the r-th word appears in proportion to 1 / r. */
export function createZipf(): Cumulative {
  const cumulated = new Float64Array(VOCABULARY)
  let total = 0
  for (let rank = 0; rank < VOCABULARY; rank++) {
    total += 1 / (rank + 1)
    cumulated[rank] = total
  }
  return {
    draw(random) {
      const wanted = random() * total
      let [low, high] = [0, VOCABULARY - 1]
      while (low < high) {
        const middle = (low + high) >> 1
        if ((cumulated[middle] ?? 0) < wanted) low = middle + 1
        else high = middle
      }
      return low
    },
  }
}

const CONSONANTS = 'bcdfghklmnprstvz'
const VOWELS = 'aiou'

/** A word for each rank that no stemmer shortens into another's: syllables, and an x at the end. */
export function wordOfRank(rank: number): string {
  let word = ''
  for (let rest = rank + 1; rest > 0; rest = Math.floor(rest / 64)) {
    word += `${CONSONANTS[rest % 16] ?? ''}${VOWELS[Math.floor(rest / 16) % 4] ?? ''}`
  }
  return `${word}x`
}
