import { startVoiceGateway } from './voice-gateway.ts'

// The gateway of the voice benches in a process of its own: what it does must not delay the client that measures.
const gateway = await startVoiceGateway()

process.on('message', (question) => {
  if (question === 'origin') process.send?.(gateway.origin)
  if (question === 'in_flight') process.send?.(gateway.inFlight())
  if (question === 'restart') void gateway.restart().then(() => process.send?.('restarted'))
})
process.once('SIGTERM', () => void gateway.close().then(() => process.exit(0)))
