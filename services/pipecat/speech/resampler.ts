/**
 * Brings samples that come in pieces to another rate by linear interpolation. Going down it first averages over the
 * step (a first-order low-pass), which is enough for speech.
 */
export function createResampler(fromHz: number, toHz: number) {
  const step = fromHz / toHz
  let written = 0
  /** Input samples that are no longer kept. Positions count from the very first sample, so cuts change no rounding. */
  let dropped = 0
  let kept: number[] = []
  let previous = 0

  return (samples: Int16Array): Int16Array => {
    if (fromHz === toHz) return samples
    for (const sample of samples) {
      kept.push(step > 1 ? (sample + previous) / 2 : sample)
      previous = sample
    }
    const out: number[] = []
    for (let at = written * step; at + 1 < dropped + kept.length; at = written * step) {
      const index = Math.floor(at)
      const [low = 0, high = 0] = [kept[index - dropped], kept[index - dropped + 1]]
      out.push(Math.round(low + (high - low) * (at - index)))
      written += 1
    }
    const used = Math.min(Math.floor(written * step) - dropped, kept.length)
    kept = kept.slice(used)
    dropped += used
    return Int16Array.from(out)
  }
}
