import { createPlayer, openMicrophone } from '/page/sound.js'
import { KeyNeeded, openSession } from '/page/voice-session.js'

const STATES = { open: 'connected', lost: 'connection lost, coming back', closed: 'not connected' }
const STAGES = {
  endpointing: 'End of speech noticed',
  transcription: 'Written down',
  first_token: 'First word',
  first_sentence: 'First sentence',
  voice: 'First sound made',
  first_audio: 'Speech to sound',
  answer: 'Whole answer',
}

const find = (id) => document.getElementById(id)
const [state, transcript, notice, text, stages] = ['state', 'transcript', 'notice', 'text', 'stages'].map(find)
const [connectButton, microphoneButton, interruptButton] = ['connect', 'microphone', 'interrupt'].map(find)
const player = createPlayer((level) => {
  find('spoken').value = level
})
let session = null
/** Kept here and nowhere else. */
let key = null
let microphone = null
/** What a second click must not begin again. */
let isStarting = false
let isOpeningMicrophone = false
/** The line that an answer is being written into. */
let answerLine = null

function showState(name) {
  state.dataset.state = name
  state.textContent = STATES[name]
  connectButton.textContent = name === 'closed' ? 'Start' : 'Stop'
  for (const id of ['text', 'send', 'interrupt']) find(id).disabled = name !== 'open'
  if (name === 'closed') void end()
}

async function end() {
  session = null
  player.silence()
  find('microphone').disabled = true
  find('aloud').disabled = true
  await closeMicrophone()
}

function addLine(who, content) {
  const line = document.createElement('li')
  const name = document.createElement('b')
  name.textContent = who
  const words = document.createElement('span')
  words.textContent = content
  line.append(name, words)
  transcript.append(line)
  transcript.scrollTop = transcript.scrollHeight
  return words
}

function showStages(timings = {}) {
  const rows = Object.entries(STAGES).flatMap(([stage, label]) => {
    if (timings[stage] === undefined) return []
    const [term, value] = [document.createElement('dt'), document.createElement('dd')]
    term.textContent = label
    value.textContent = `${timings[stage]} ms`
    return [term, value]
  })
  stages.replaceChildren(...rows)
}

const FRAMES = {
  SESSION_START({ hears, speaks }) {
    microphoneButton.disabled = !hears
    find('aloud').disabled = !speaks
    if (!hears) microphoneButton.title = 'No transcription is configured'
  },
  MESSAGE_DELTA({ text: piece }) {
    answerLine ??= addLine('SONIA', '')
    answerLine.textContent += piece
    transcript.scrollTop = transcript.scrollHeight
  },
  MESSAGE({ role, text: whole, timings_ms: timings, warning }) {
    if (role === 'user') {
      addLine('You (spoken)', whole)
      return
    }
    answerLine ??= addLine('SONIA', '')
    answerLine.textContent = whole
    answerLine = null
    notice.textContent = warning ?? ''
    showStages(timings)
  },
  SPEECH_END({ timings_ms: timings }) {
    showStages(timings)
  },
  INTERRUPT() {
    player.silence()
    answerLine = null
  },
  ERROR({ code, message }) {
    notice.textContent = `${code}: ${message}`
    answerLine = null
  },
}

async function start() {
  if (isStarting) return
  isStarting = true
  try {
    notice.textContent = ''
    await player.allow()
    session = await openSession({
      key,
      onFrame: ({ type, data }) => FRAMES[type]?.(data),
      onSound: (buffer) => player.play(buffer),
      onState: showState,
    })
  } finally {
    isStarting = false
  }
}

function askForKey(error) {
  if (!(error instanceof KeyNeeded)) throw error
  notice.textContent = key === null ? 'An API key is needed.' : error.message
  key = null
  find('key-form').hidden = false
  find('key').focus()
}

function useKey() {
  const field = find('key')
  key = field.value
  field.value = ''
  find('key-form').hidden = true
  return start().catch(askForKey)
}

async function closeMicrophone() {
  const open = microphone
  microphone = null
  microphoneButton.setAttribute('aria-pressed', 'false')
  find('heard').value = 0
  await open?.stop()
}

async function toggleMicrophone() {
  if (microphone !== null) return closeMicrophone()
  if (isOpeningMicrophone) return
  isOpeningMicrophone = true
  const asking = session
  try {
    microphone = await openMicrophone((buffer, peak) => {
      find('heard').value = peak
      session?.sendSound(buffer)
    })
    microphoneButton.setAttribute('aria-pressed', 'true')
    // The session may have ended while the person was asked: the device must not stay open.
    if (session !== asking) await closeMicrophone()
  } finally {
    isOpeningMicrophone = false
  }
}

/** What fails is shown to the person; nothing is swallowed. */
function doing(work) {
  return (event) => {
    event.preventDefault()
    Promise.resolve(work()).catch((error) => {
      notice.textContent = error.message
    })
  }
}

connectButton.addEventListener(
  'click',
  doing(() => (session === null ? start().catch(askForKey) : session.stop())),
)
find('key-form').addEventListener('submit', doing(useKey))
microphoneButton.addEventListener('click', doing(toggleMicrophone))
interruptButton.addEventListener(
  'click',
  doing(() => session?.send('INTERRUPT')),
)
find('form').addEventListener(
  'submit',
  doing(() => {
    addLine('You', text.value)
    session?.send('MESSAGE', { text: text.value, stream: true, speak: find('aloud').checked })
    text.value = ''
  }),
)
