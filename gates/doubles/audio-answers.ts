const SAMPLE_RATE_HZ = 16_000
const SAMPLES_PER_CHARACTER = 800
const TONE_HZ = 440
const WAV_HEADER_BYTES = 44

/** What was "heard": how much audio came. Enough to see that every byte of it arrived. */
export function transcription(audio: Buffer): { readonly text: string } {
  return { text: `heard ${audio.length} bytes` }
}

/** A tone of 50 ms for each character, 16 kHz mono: raw PCM, or the same with a WAV header. */
export function speech(request: { readonly input: string; readonly response_format?: string }): {
  readonly type: string
  readonly bytes: Buffer
} {
  const samples = Buffer.alloc(request.input.length * SAMPLES_PER_CHARACTER * 2)
  for (let index = 0; index * 2 < samples.length; index++) {
    samples.writeInt16LE(
      Math.round(8000 * Math.sin((2 * Math.PI * TONE_HZ * index) / SAMPLE_RATE_HZ)),
      index * 2,
    )
  }
  if (request.response_format === 'pcm') return { type: 'audio/pcm', bytes: samples }
  return { type: 'audio/wav', bytes: Buffer.concat([wavHeader(samples.length), samples]) }
}

/** RIFF, one channel, 16 bits. */
function wavHeader(dataBytes: number): Buffer {
  const header = Buffer.alloc(WAV_HEADER_BYTES)
  header.write('RIFF', 0)
  header.writeUInt32LE(dataBytes + WAV_HEADER_BYTES - 8, 4)
  header.write('WAVEfmt ', 8)
  header.writeUInt32LE(16, 16)
  header.writeUInt16LE(1, 20)
  header.writeUInt16LE(1, 22)
  header.writeUInt32LE(SAMPLE_RATE_HZ, 24)
  header.writeUInt32LE(SAMPLE_RATE_HZ * 2, 28)
  header.writeUInt16LE(2, 32)
  header.writeUInt16LE(16, 34)
  header.write('data', 36)
  header.writeUInt32LE(dataBytes, 40)
  return header
}

/** The content of the field `file` of a multipart form; null where there is none. */
export function fileOfForm(contentType: string, body: Buffer): Buffer | null {
  const boundary = /boundary="?([^";]+)"?/.exec(contentType)?.[1]
  if (boundary === undefined) return null
  const mark = Buffer.from(`--${boundary}`)
  const start = body.indexOf('name="file"')
  const from = start === -1 ? -1 : body.indexOf('\r\n\r\n', start)
  const to = from === -1 ? -1 : body.indexOf(mark, from)
  return to === -1 ? null : body.subarray(from + 4, to - 2)
}
