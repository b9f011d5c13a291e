import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ServiceError } from '#chassis/errors.ts'
import { createResampler } from './resampler.ts'
import { createWavReader, encodeWav } from './wav.ts'

fc.configureGlobal({ seed: 20261124 })

const samplesOf = (bytes: Buffer) =>
  Array.from({ length: bytes.length / 2 }, (_, index) => bytes.readInt16LE(index * 2))
const pcmOf = (samples: readonly number[]) => {
  const bytes = Buffer.alloc(samples.length * 2)
  for (const [index, sample] of samples.entries()) bytes.writeInt16LE(sample, index * 2)
  return bytes
}
const int16 = fc.integer({ min: -32_768, max: 32_767 })

function readAll(bytes: Buffer, sizes: readonly number[]): number[] {
  const reader = createWavReader()
  const out: number[] = []
  for (const piece of cut(bytes, sizes)) out.push(...(reader.push(piece)?.samples ?? []))
  reader.end()
  return out
}

function cut<T extends { subarray(from: number, to?: number): T }>(whole: T, sizes: readonly number[]): T[] {
  let at = 0
  const pieces = sizes.map((size) => {
    at += size
    return whole.subarray(at - size, at)
  })
  return [...pieces, whole.subarray(at)]
}

test('what is no 16-bit RIFF is refused: other bytes, 8 bits, sound before its format, nothing at all', () => {
  const eightBits = encodeWav(pcmOf([1, 2]), 16_000)
  eightBits.writeUInt16LE(8, 34)
  const noFormat = encodeWav(pcmOf([1, 2]), 16_000)
  noFormat.write('fmtx', 12)
  for (const bytes of [Buffer.from('<html>no sound</html>'), eightBits, noFormat, Buffer.alloc(0)]) {
    assert.throws(() => readAll(bytes, []), ServiceError)
  }
})

test('samples come back as they were, in pieces of any size, also where the header lies about the length', () => {
  fc.assert(
    fc.property(
      fc.array(int16),
      fc.array(fc.nat({ max: 40 }), { maxLength: 30 }),
      fc.boolean(),
      (samples, sizes, lies) => {
        const wav = encodeWav(pcmOf(samples), 22_050)
        if (lies) wav.writeUInt32LE(0x7f_ff_f0_00, 40)
        assert.deepEqual(readAll(wav, sizes), samples)
      },
    ),
  )
  assert.deepEqual(samplesOf(pcmOf([1, -2])), [1, -2])
})

test('a resampled sound is the same however it was cut, as long as it should be, and never louder', () => {
  fc.assert(
    fc.property(
      fc.array(int16, { minLength: 4, maxLength: 500 }),
      fc.array(fc.nat({ max: 60 }), { maxLength: 20 }),
      fc.constantFrom(8_000, 16_000, 22_050, 24_000, 44_100, 48_000),
      (samples, sizes, fromHz) => {
        const whole = [...createResampler(fromHz, 16_000)(Int16Array.from(samples))]
        const resample = createResampler(fromHz, 16_000)
        const pieces = cut(Int16Array.from(samples), sizes).flatMap((piece) => [...resample(piece)])
        assert.deepEqual(pieces, whole)
        assert.ok(Math.abs(whole.length - (samples.length * 16_000) / fromHz) <= 2 + 16_000 / fromHz)
        const peak = Math.max(...samples.map(Math.abs))
        assert.ok(whole.every((sample) => Math.abs(sample) <= peak))
      },
    ),
  )
})

test('a tone keeps its pitch from 24 kHz to 16 kHz', () => {
  const tone = Int16Array.from({ length: 24_000 }, (_, index) =>
    Math.round(10_000 * Math.sin((2 * Math.PI * 440 * index) / 24_000)),
  )
  const out = createResampler(24_000, 16_000)(tone)
  const crossings = out.filter(
    (sample, index) => index > 0 && (out[index - 1] ?? 0) < 0 && sample >= 0,
  ).length
  assert.ok(Math.abs(crossings - 440) <= 1, `${crossings} periods in a second`)
})
