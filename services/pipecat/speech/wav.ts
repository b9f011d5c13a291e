import { ServiceError } from '#chassis/errors.ts'

const HEADER_BYTES = 44
const CHUNK_HEAD_BYTES = 8
/** Chunks before the sound (LIST and the like) are skipped up to here. */
const PREAMBLE_BYTES_MAX = 64 * 1024
const PCM = 1
const EXTENSIBLE = 0xfffe

/** 16-bit mono PCM as a RIFF file. */
export function encodeWav(pcm: Buffer, sampleRateHz: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  header.write('RIFF', 0)
  header.writeUInt32LE(pcm.length + HEADER_BYTES - CHUNK_HEAD_BYTES, 4)
  header.write('WAVEfmt ', 8)
  header.writeUInt32LE(16, 16)
  header.writeUInt16LE(PCM, 20)
  header.writeUInt16LE(1, 22)
  header.writeUInt32LE(sampleRateHz, 24)
  header.writeUInt32LE(sampleRateHz * 2, 28)
  header.writeUInt16LE(2, 32)
  header.writeUInt16LE(16, 34)
  header.write('data', 36)
  header.writeUInt32LE(pcm.length, 40)
  return Buffer.concat([header, pcm])
}

interface WavFormat {
  readonly sampleRateHz: number
  readonly channels: number
}

/**
 * Reads a RIFF file as it comes, in pieces of any size. The length in the header is not believed: programs that write
 * to a pipe put anything there. Throws UNAVAILABLE for what is not 16-bit PCM.
 */
export function createWavReader() {
  let pending: Buffer = Buffer.alloc(0)
  let format: WavFormat | null = null
  let inData = false

  function readPreamble(): void {
    if (pending.length < 12) return
    if (pending.toString('latin1', 0, 4) !== 'RIFF' || pending.toString('latin1', 8, 12) !== 'WAVE')
      throw notWav()
    let offset = 12
    while (offset + CHUNK_HEAD_BYTES <= pending.length) {
      const id = pending.toString('latin1', offset, offset + 4)
      const size = pending.readUInt32LE(offset + 4)
      const body = offset + CHUNK_HEAD_BYTES
      if (id === 'data') {
        if (format === null) throw notWav()
        inData = true
        pending = pending.subarray(body)
        return
      }
      if (body + size > pending.length) break
      if (id === 'fmt ') format = readFormat(pending.subarray(body, body + size))
      offset = body + size + (size % 2)
    }
    if (pending.length > PREAMBLE_BYTES_MAX) throw notWav()
  }

  return {
    /** Mono samples of this piece, whole ones only; several channels are averaged. */
    push(bytes: Buffer): { readonly sampleRateHz: number; readonly samples: Int16Array } | null {
      pending = pending.length === 0 ? bytes : Buffer.concat([pending, bytes])
      if (!inData) readPreamble()
      if (!inData || format === null) return null
      const blockBytes = format.channels * 2
      const whole = pending.length - (pending.length % blockBytes)
      const samples = mixDown(pending.subarray(0, whole), format.channels)
      pending = Buffer.from(pending.subarray(whole))
      return { sampleRateHz: format.sampleRateHz, samples }
    },
    /** Throws where no sound ever began. */
    end(): void {
      if (!inData) throw notWav()
    },
  }
}

function readFormat(body: Buffer): WavFormat {
  if (body.length < 16) throw notWav()
  const kind = body.readUInt16LE(0)
  const channels = body.readUInt16LE(2)
  const sampleRateHz = body.readUInt32LE(4)
  const isReadable = (kind === PCM || kind === EXTENSIBLE) && body.readUInt16LE(14) === 16
  if (!isReadable || channels < 1 || channels > 8 || sampleRateHz < 4_000 || sampleRateHz > 192_000)
    throw notWav()
  return { sampleRateHz, channels }
}

function mixDown(bytes: Buffer, channels: number): Int16Array {
  const samples = new Int16Array(bytes.length / 2 / channels)
  for (let index = 0; index < samples.length; index += 1) {
    let sum = 0
    for (let channel = 0; channel < channels; channel += 1)
      sum += bytes.readInt16LE((index * channels + channel) * 2)
    samples[index] = Math.trunc(sum / channels)
  }
  return samples
}

function notWav(): ServiceError {
  return new ServiceError('UNAVAILABLE', 'The voice did not answer with 16-bit WAV')
}
