/** Tells speech from silence, one frame of 20 ms after the other. Replaceable: nothing else knows how it decides. */
export interface VoiceActivity {
  push(frame: Int16Array): 'silence' | 'started' | 'speaking' | 'ended'
  /** Ends what is taken for speech, and takes its level for the noise of the place from now on. */
  giveUp(): void
}

export interface ActivitySettings {
  /** Decibels above the noise at which speech begins, and (lower) below which it has ended. */
  readonly startDb: number
  readonly stopDb: number
  /** Below this level (dB of full scale) nothing is speech, however quiet the place is. */
  readonly minimumDbfs: number
  /** How long the level must stay above or below. */
  readonly startMs: number
  readonly stopMs: number
}

export const SAMPLE_RATE_HZ = 16_000
export const FRAME_MS = 20
export const FRAME_SAMPLES = (SAMPLE_RATE_HZ * FRAME_MS) / 1000

const SILENCE_DBFS = -90
const NOISE_DBFS_MAX = -10
const NOISE_DBFS_FIRST = -60
/** Noise falls fast and rises slowly: a pause shows it, a word does not. */
const FALL_SHARE = 0.2
const RISE_SHARE = 0.02

/**
 * Energy against an estimate of the noise, with hysteresis in level (two thresholds) and in time (a run of frames):
 * a level that flickers between the thresholds changes nothing.
 */
export function createVoiceActivity(settings: ActivitySettings): VoiceActivity {
  const startFrames = framesIn(settings.startMs)
  const stopFrames = framesIn(settings.stopMs)
  let noiseDbfs = NOISE_DBFS_FIRST
  let isSpeech = false
  let run = 0
  let speechDbfs = SILENCE_DBFS

  const startAt = () => Math.max(noiseDbfs + settings.startDb, settings.minimumDbfs)
  const stopAt = () => startAt() - (settings.startDb - settings.stopDb)

  function whileSilent(level: number): 'silence' | 'started' {
    run = level >= startAt() ? run + 1 : 0
    if (run === 0) noiseDbfs = adapt(noiseDbfs, level)
    if (run < startFrames) return 'silence'
    begin(true)
    speechDbfs = level
    return 'started'
  }

  function whileSpeaking(level: number): 'speaking' | 'ended' {
    speechDbfs += (level - speechDbfs) * RISE_SHARE
    run = level < stopAt() ? run + 1 : 0
    if (run < stopFrames) return 'speaking'
    begin(false)
    return 'ended'
  }

  function begin(speech: boolean): void {
    isSpeech = speech
    run = 0
  }

  return {
    push: (frame) => (isSpeech ? whileSpeaking(levelDbfs(frame)) : whileSilent(levelDbfs(frame))),
    giveUp() {
      begin(false)
      noiseDbfs = clampNoise(speechDbfs)
    },
  }
}

/** Root mean square in decibels of full scale; digital silence is -90. */
export function levelDbfs(frame: Int16Array): number {
  let sum = 0
  for (const sample of frame) sum += sample * sample
  const rms = Math.sqrt(sum / Math.max(1, frame.length)) / 32_768
  return Math.max(SILENCE_DBFS, 20 * Math.log10(rms))
}

function adapt(noiseDbfs: number, level: number): number {
  return clampNoise(noiseDbfs + (level - noiseDbfs) * (level < noiseDbfs ? FALL_SHARE : RISE_SHARE))
}

function clampNoise(dbfs: number): number {
  return Math.min(NOISE_DBFS_MAX, Math.max(SILENCE_DBFS, dbfs))
}

function framesIn(ms: number): number {
  return Math.max(1, Math.round(ms / FRAME_MS))
}
