export interface SentFrame {
  readonly seq: number
  readonly text: string
}

const FRAMES_KEPT = 200
const BYTES_KEPT = 1 << 20

/** The last frames of a session, so that a client that comes back gets what it missed. Bounded in count and bytes. */
export function createSentFrames() {
  const frames: SentFrame[] = []
  let bytes = 0
  let lastSeq = 0
  return {
    nextSeq: (): number => {
      lastSeq += 1
      return lastSeq
    },
    keep(frame: SentFrame): void {
      frames.push(frame)
      bytes += frame.text.length
      while (frames.length > FRAMES_KEPT || bytes > BYTES_KEPT) bytes -= frames.shift()?.text.length ?? 0
    },
    /** Whether a client may have seen this number: of an earlier process, as long as this one has sent nothing. */
    mayBeSeen: (seq: number, hasEarlier: boolean): boolean => seq <= lastSeq || (hasEarlier && lastSeq === 0),
    /** Numbers go on from what the client saw of an earlier process. */
    continueFrom(seq: number): void {
      lastSeq = Math.max(lastSeq, seq)
    },
    /** Frames after `seq`, and how many of them are no longer kept. */
    after(seq: number): { readonly frames: readonly SentFrame[]; readonly lost: number } {
      const missed = frames.filter((frame) => frame.seq > seq)
      return { frames: missed, lost: Math.max(0, lastSeq - seq - missed.length) }
    },
  }
}

export type SentFrames = ReturnType<typeof createSentFrames>
