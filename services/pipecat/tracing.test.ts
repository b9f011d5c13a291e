import assert from 'node:assert/strict'
import { trace } from '@opentelemetry/api'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { test } from 'node:test'
import { eventually } from '#chassis/testing.ts'
import { connected, voice } from './testing.ts'

const spans = new InMemorySpanExporter()
trace.setGlobalTracerProvider(
  new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: spans })] }),
)

test('an upgrade is one session.start span; each message is a span of its own, linked to it, without what was said', async () => {
  const started = await voice()
  const { client, id } = await connected(started)
  for (const text of ['xylophone one', 'down']) client.send('MESSAGE', { text })
  await client.next('MESSAGE')
  await client.next('ERROR')
  // The socket is still open: the span of its upgrade ended long ago.
  await eventually(() => spans.getFinishedSpans().filter(({ name }) => name === 'voice.message').length === 2)
  const finished = spans.getFinishedSpans()
  const [upgrade, ...others] = finished.filter(({ name }) => name === 'session.start')
  assert.deepEqual([upgrade?.attributes['http.route'], others], ['/ws/:session_id', []])
  const messages = finished.filter(({ name }) => name === 'voice.message')
  for (const { links, attributes, parentSpanContext } of messages) {
    assert.equal(links[0]?.context.spanId, upgrade?.spanContext().spanId)
    assert.equal(attributes['sonia.session_id'], id)
    assert.equal(parentSpanContext, undefined)
  }
  assert.deepEqual(
    messages.map(({ attributes }) => attributes['error.type']),
    [undefined, 'UNAVAILABLE'],
  )
  assert.doesNotMatch(JSON.stringify(finished.map(({ attributes }) => attributes)), /xylophone/)
})
