const RATE_HZ = 16_000
/** Sound comes just in time: this much of it is kept back, so that a frame that is late leaves no gap. */
const KEPT_BACK_S = 0.08

/** The microphone as frames of 16 kHz PCM; `stop` lets the device go. */
export async function openMicrophone(onFrame) {
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true },
  })
  const audio = new AudioContext()
  await audio.audioWorklet.addModule('/page/microphone-worklet.js')
  const worklet = new AudioWorkletNode(audio, 'microphone', { numberOfOutputs: 0 })
  worklet.port.onmessage = ({ data }) => onFrame(data.buffer, data.peak)
  audio.createMediaStreamSource(stream).connect(worklet)
  await audio.resume()
  return {
    async stop() {
      for (const track of stream.getTracks()) track.stop()
      await audio.close()
    },
  }
}

/** Plays frames one after the other; `silence` drops what was not heard yet. */
export function createPlayer(onLevel) {
  let audio = null
  let nextAt = 0
  const waiting = new Set()
  return {
    /** A browser lets sound begin only after a person did something. */
    async allow() {
      audio ??= new AudioContext()
      await audio.resume()
    },
    play(buffer) {
      if (audio === null) return
      const samples = Float32Array.from(new Int16Array(buffer), (sample) => sample / 32_768)
      const sound = audio.createBuffer(1, samples.length, RATE_HZ)
      sound.copyToChannel(samples, 0)
      const source = new AudioBufferSourceNode(audio, { buffer: sound })
      source.connect(audio.destination)
      if (nextAt < audio.currentTime) nextAt = audio.currentTime + KEPT_BACK_S
      source.start(nextAt)
      nextAt += sound.duration
      waiting.add(source)
      onLevel(samples.reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0))
      source.onended = () => {
        waiting.delete(source)
        if (waiting.size === 0) onLevel(0)
      }
    },
    silence() {
      for (const source of waiting) source.stop()
      waiting.clear()
      nextAt = 0
      onLevel(0)
    },
  }
}
