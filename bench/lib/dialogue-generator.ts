import * as words from './dialogue-words.ts'

export interface Turn {
  readonly session: string
  readonly atMs: number
  readonly text: string
}

export const CATEGORIES = ['words', 'paraphrase', 'reference', 'date', 'entity'] as const
export type Category = (typeof CATEGORIES)[number]

export interface Question {
  readonly category: Category
  readonly text: string
  /** Place in `turns` of the one turn that answers. */
  readonly evidence: number
}

export interface Corpus {
  readonly turns: readonly Turn[]
  readonly questions: readonly Question[]
  /** When the questions are asked. */
  readonly nowMs: number
}

export interface CorpusSize {
  readonly dialogues: number
  readonly sessionsPerDialogue: number
}

const DAY_MS = 86_400_000
const FIRST_DAY_MS = Date.UTC(2026, 0, 5, 18)
const TURN_MS = 40_000
const MONTHS = 'January February March April May June July August September October November December'.split(
  ' ',
)

type Random = () => number

/** What is said in a row within one session, and the question that the given turn of it answers. */
interface Scene {
  readonly lines: readonly string[]
  readonly question: { readonly category: Category; readonly text: string; readonly line: number }
}

interface Setting {
  readonly one: string
  readonly other: string
  readonly atMs: number
  readonly random: Random
}

/** Dialogues over months; in each session one labelled scene among small talk that shares its topics. */
export function generateCorpus(random: Random, { dialogues, sessionsPerDialogue }: CorpusSize): Corpus {
  const turns: Turn[] = []
  const pairs = pairUp(random, dialogues)
  const questions: Question[] = []
  for (let session = 0; session < sessionsPerDialogue; session++) {
    for (let dialogue = 0; dialogue < dialogues; dialogue++) {
      const atMs = FIRST_DAY_MS + session * 6 * DAY_MS + Math.floor(random() * 5) * DAY_MS
      const [one, other] = turnAround(pairs[dialogue], random)
      const category = CATEGORIES[(session + dialogue) % CATEGORIES.length] ?? 'words'
      const scene = SCENES[category]({ one, other, atMs, random })
      const name = `d${dialogue}s${session}`
      const begin = turns.length
      const say = (text: string) =>
        turns.push({ session: name, atMs: atMs + (turns.length - begin) * TURN_MS, text })
      smallTalk(3 + Math.floor(random() * 5), { one, other, random }, say)
      const first = turns.length
      for (const line of scene.lines) say(line)
      smallTalk(3 + Math.floor(random() * 5), { one, other, random }, say)
      const { text, line } = scene.question
      questions.push({ category, text, evidence: first + line })
    }
  }
  return { turns, questions, nowMs: FIRST_DAY_MS + (sessionsPerDialogue + 1) * 6 * DAY_MS }
}

/** One scene of each kind. */
const SCENES: Readonly<Record<Category, (setting: Setting) => Scene>> = {
  words: ({ one, other, random }) => {
    const [topic, city, choice] = [
      pick(words.TOPICS, random),
      pick(words.CITIES, random),
      pick(words.CHOICES, random),
    ]
    return {
      lines: [`${one}: For the ${topic} in ${city} we are choosing ${choice}.`, `${other}: Sounds good.`],
      question: { category: 'words', line: 0, text: `What did ${one} choose for the ${topic} in ${city}?` },
    }
  },
  paraphrase: ({ one, other, random }) => {
    const [said, asked] = pick(words.PARAPHRASES, random)
    return {
      lines: [
        `${other}: Tell me about yourself.`,
        `${one}: ${said.replace('{c}', pick(words.CITIES, random))}.`,
      ],
      question: { category: 'paraphrase', line: 1, text: asked.replace('{n}', one) },
    }
  },
  reference: ({ one, other, random }) => {
    const [topic, city] = [pick(words.TOPICS, random), pick(words.CITIES, random)]
    const choice = pick(words.CHOICES, random)
    const delayed = random() < 0.4
    return {
      lines: [
        `${other}: ${one}, have you decided anything about the ${topic} in ${city}?`,
        ...(delayed ? [`${one}: Give me a second, the kettle boils.`] : []),
        random() < 0.3 ? `${one}: Yes, for ${city} we took ${choice}.` : `${one}: Yes, we took ${choice}.`,
      ],
      question: {
        category: 'reference',
        line: delayed ? 2 : 1,
        text: `What was decided about the ${topic} of ${one} in ${city}?`,
      },
    }
  },
  date: ({ one, other, atMs, random }) => {
    const [phrase, daysBack] = pick(
      [
        ['Yesterday', 1],
        ['Today', 0],
        ['Two days ago', 2],
        ['A week ago', 7],
      ] as const,
      random,
    )
    const when = new Date(atMs - daysBack * DAY_MS)
    const day = `${when.getUTCDate()} ${MONTHS[when.getUTCMonth()] ?? ''} ${when.getUTCFullYear()}`
    return {
      lines: [`${one}: ${phrase} I ${pick(words.ACTIVITIES, random)}.`, `${other}: Oh!`],
      question: { category: 'date', line: 0, text: `What happened to ${one} on ${day}?` },
    }
  },
  entity: ({ one, other, random }) =>
    random() < 0.5 ? codeScene(one, other, random) : nameScene(one, other, random),
}

/** Codes that differ in their last figures from others of the same kind. */
function codeScene(one: string, other: string, random: Random): Scene {
  const kind = pick(words.CODED, random)
  const code = `${'QXZKV'[Math.floor(random() * 5)]}-${4400 + Math.floor(random() * 60)}/${Math.floor(random() * 9)}`
  return {
    lines: [`${one}: The ${kind} number is ${code}, write it down.`, `${other}: Got it.`],
    question: { category: 'entity', line: 0, text: `What is ${code}?` },
  }
}

function nameScene(one: string, other: string, random: Random): Scene {
  const [name, topic] = [pick(words.NAMES_LIKE_WORDS, random), pick(words.TOPICS, random)]
  return {
    lines: [`${one}: ${name} called me about the ${topic}.`, `${other}: Again?`],
    question: { category: 'entity', line: 0, text: `What did ${one} hear from ${name}?` },
  }
}

function smallTalk(
  count: number,
  { one, other, random }: Omit<Setting, 'atMs'>,
  say: (text: string) => void,
): void {
  for (let line = 0; line < count; line++) {
    const speaker = line % 2 === 0 ? one : other
    const text =
      random() < 0.35
        ? pick(words.ABOUT_TOPIC, random).replace('{t}', pick(words.TOPICS, random))
        : pick(words.SMALL_TALK, random)
    say(`${speaker}: ${text}`)
  }
}

/** Each dialogue has two people of its own, while there are names. */
function pairUp(random: Random, dialogues: number): readonly (readonly [string, string])[] {
  const names = words.PEOPLE.toSorted(() => random() - 0.5)
  const at = (place: number) => names[place % names.length] ?? ''
  return Array.from({ length: dialogues }, (_, dialogue) => [at(2 * dialogue), at(2 * dialogue + 1)])
}

function turnAround(
  people: readonly [string, string] | undefined,
  random: Random,
): readonly [string, string] {
  const [one, other] = people ?? ['', '']
  return random() < 0.5 ? [one, other] : [other, one]
}

function pick<T>(values: readonly T[], random: Random): T {
  const value = values[Math.floor(random() * values.length)]
  if (value === undefined) throw new Error('nothing to pick from')
  return value
}
