import { check } from 'k6'
import exec from 'k6/execution'
import http from 'k6/http'
import { identityOf } from './identity.ts'
import { count, observe } from './outcome.ts'
import type { SoakSettings } from './settings.ts'

const ROUTE = '/v1/chat'
const TIMEOUT = '30s'

const SUBJECTS = ['the harbour', 'my sister', 'the garden', 'a broken bicycle', 'the train to the coast']
const QUESTIONS = ['What did I say about', 'Remind me of', 'Remember this about', 'Tell me again about']

/** One chat request; recall, model and memory all take part. */
export function chatOnce(settings: SoakSettings): void {
  const { correlationId, headers } = identityOf(settings, 'chat')
  const message = messageFor(exec.scenario.iterationInTest)
  const response = http.post(`${settings.gatewayUrl}${ROUTE}`, JSON.stringify({ message }), {
    headers,
    timeout: TIMEOUT,
    tags: { name: ROUTE },
  })
  const observation = observe(ROUTE, response, ({ ok, data, correlation_id }) => {
    const text = data?.['response']
    return ok === true && correlation_id === correlationId && typeof text === 'string' && text !== ''
  })
  count(observation)
  check(observation, { 'chat answered as expected': ({ outcome }) => outcome === 'ok' })
}

/** The same traffic in every run: the text follows from the iteration's number alone. */
function messageFor(iteration: number): string {
  const question = QUESTIONS[iteration % QUESTIONS.length]
  const subject = SUBJECTS[Math.floor(iteration / QUESTIONS.length) % SUBJECTS.length]
  return `${question} ${subject}, item ${iteration % 997}`
}
