const RATE_HZ = 16_000
const FRAME_SAMPLES = 640

/** Brings the microphone to 16 kHz, 16 bits, and passes on frames of 40 ms with their peak. */
class Microphone extends AudioWorkletProcessor {
  #frame = new Int16Array(FRAME_SAMPLES)
  #filled = 0
  #peak = 0
  #position = 0
  #last = 0

  process([[channel] = []]) {
    if (channel === undefined) return true
    const step = sampleRate / RATE_HZ
    for (; this.#position < channel.length; this.#position += step) {
      const index = Math.floor(this.#position)
      const before = index === 0 ? this.#last : channel[index - 1]
      this.#take(before + (channel[index] - before) * (this.#position - index))
    }
    this.#position -= channel.length
    this.#last = channel[channel.length - 1]
    return true
  }

  #take(value) {
    const sample = Math.max(-1, Math.min(1, value))
    this.#peak = Math.max(this.#peak, Math.abs(sample))
    this.#frame[this.#filled] = Math.round(sample * 32_767)
    this.#filled += 1
    if (this.#filled < FRAME_SAMPLES) return
    const { buffer } = this.#frame
    this.port.postMessage({ buffer, peak: this.#peak }, [buffer])
    this.#frame = new Int16Array(FRAME_SAMPLES)
    this.#filled = 0
    this.#peak = 0
  }
}

registerProcessor('microphone', Microphone)
