export type Scored = readonly [seq: number, score: number]

const FIRST_CAPACITY = 4096

/**
 * Scores of one search by place in the table. One array over all memories is ten times faster than a map where
 * tens of thousands of occurrences are added up; only what was touched is wiped for the next search.
 */
export class ScoreBoard {
  #scores = new Float64Array(FIRST_CAPACITY)
  #touched: number[] = []

  get size(): number {
    return this.#touched.length
  }

  get(seq: number): number {
    return this.#scores[seq] ?? 0
  }

  /** Scores are above zero: a memory at zero counts as not found. */
  add(seq: number, score: number): void {
    if (seq >= this.#scores.length) this.#grow(seq)
    const before = this.#scores[seq] ?? 0
    if (before === 0) this.#touched.push(seq)
    this.#scores[seq] = before + score
  }

  clear(): void {
    for (const seq of this.#touched) this.#scores[seq] = 0
    this.#touched = []
  }

  /** The best entries, best first; of equal ones the newer memory. */
  best(count: number): Scored[] {
    const heap = new WorstFirst(count)
    for (const seq of this.#touched) heap.offer(seq, this.#scores[seq] ?? 0)
    return heap.sorted()
  }

  #grow(seq: number): void {
    const larger = new Float64Array(Math.max(seq + 1, this.#scores.length * 2))
    larger.set(this.#scores)
    this.#scores = larger
  }
}

/** A heap of at most `capacity` entries with the worst on top, ready to be replaced. */
class WorstFirst {
  readonly #capacity: number
  readonly #entries: Scored[] = []

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  offer(seq: number, score: number): void {
    if (this.#entries.length < this.#capacity) {
      this.#entries.push([seq, score])
      this.#rise(this.#entries.length - 1)
      return
    }
    const worst = this.#entries[0]
    if (worst === undefined || score < worst[1] || (score === worst[1] && seq < worst[0])) return
    this.#entries[0] = [seq, score]
    this.#sink()
  }

  sorted(): Scored[] {
    return this.#entries.toSorted((left, right) => right[1] - left[1] || right[0] - left[0])
  }

  #rise(from: number): void {
    for (let at = from; at > 0; ) {
      const parent = (at - 1) >> 1
      if (!this.#isWorse(at, parent)) return
      this.#swap(at, parent)
      at = parent
    }
  }

  #sink(): void {
    for (let at = 0; ; ) {
      const left = 2 * at + 1
      const child = left + 1 < this.#entries.length && this.#isWorse(left + 1, left) ? left + 1 : left
      if (child >= this.#entries.length || !this.#isWorse(child, at)) return
      this.#swap(at, child)
      at = child
    }
  }

  #isWorse(one: number, other: number): boolean {
    const [a, b] = [this.#entries[one], this.#entries[other]]
    if (a === undefined || b === undefined) return false
    return a[1] < b[1] || (a[1] === b[1] && a[0] < b[0])
  }

  #swap(one: number, other: number): void {
    const [a, b] = [this.#entries[one], this.#entries[other]]
    if (a === undefined || b === undefined) return
    this.#entries[one] = b
    this.#entries[other] = a
  }
}
