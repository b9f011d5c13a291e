import { FRAME_MS, FRAME_SAMPLES, type VoiceActivity } from './voice-activity.ts'

export type UtteranceEvent =
  | { readonly type: 'started' }
  /** `pcm`: what was said, with a little before it; `cut`: it was longer than we keep. */
  | { readonly type: 'ended'; readonly pcm: Buffer; readonly cut: boolean }

/** Sound from before the moment that speech was noticed, so that first consonants are not lost. */
const PREROLL_MS = 300
const FRAME_BYTES = FRAME_SAMPLES * 2

/** Collects utterances out of 16-bit PCM that comes in pieces of any size. Bounded by `utteranceMsMax`. */
export function createUtterances(activity: VoiceActivity, utteranceMsMax: number) {
  const prerollFrames = PREROLL_MS / FRAME_MS
  const framesMax = Math.max(prerollFrames + 1, Math.floor(utteranceMsMax / FRAME_MS))
  let rest: Buffer = Buffer.alloc(0)
  let frames: Buffer[] = []
  let isSpeech = false

  function take(frame: Buffer): UtteranceEvent | null {
    // A copy: the frame is a view of a network buffer that would be kept alive with it.
    frames.push(Buffer.from(frame))
    const state = activity.push(samplesOf(frame))
    if (state === 'started') {
      isSpeech = true
      return { type: 'started' }
    }
    if (!isSpeech) {
      if (frames.length > prerollFrames) frames.shift()
      return null
    }
    if (state === 'ended') return finish(false)
    if (frames.length < framesMax) return null
    activity.giveUp()
    return finish(true)
  }

  function finish(cut: boolean): UtteranceEvent {
    const pcm = Buffer.concat(frames)
    frames = []
    isSpeech = false
    return { type: 'ended', pcm, cut }
  }

  return {
    push(bytes: Buffer): UtteranceEvent[] {
      const all = rest.length === 0 ? bytes : Buffer.concat([rest, bytes])
      const events: UtteranceEvent[] = []
      let offset = 0
      for (; offset + FRAME_BYTES <= all.length; offset += FRAME_BYTES) {
        const event = take(all.subarray(offset, offset + FRAME_BYTES))
        if (event !== null) events.push(event)
      }
      rest = Buffer.from(all.subarray(offset))
      return events
    },
  }
}

export type Utterances = ReturnType<typeof createUtterances>

function samplesOf(bytes: Buffer): Int16Array {
  const samples = new Int16Array(bytes.length / 2)
  for (let index = 0; index < samples.length; index += 1) samples[index] = bytes.readInt16LE(index * 2)
  return samples
}
