import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { stopChild } from './child-process.ts'
import { startVoiceGateway, type VoiceGateway } from './voice-gateway.ts'
import type { VoiceHoldings } from './voice-subject-main.ts'

/** Voice in a process of its own, and what stands behind it. */
export interface VoiceStand {
  readonly url: string
  readonly gateway: VoiceGateway
  measure(): Promise<VoiceHoldings>
  stop(): Promise<void>
}

export async function startVoiceStand(config: object): Promise<VoiceStand> {
  const gateway = await startVoiceGateway()
  const program = fileURLToPath(new URL('./voice-subject-main.ts', import.meta.url))
  const section = { speech: { embedded_voice: { enabled: false }, ...speechAt(gateway.origin) }, ...config }
  const subject = fork(program, [gateway.origin, JSON.stringify(section)], { execArgv: ['--expose-gc'] })
  const { url } = (await ask(subject, 'hello')) as { url: string }
  return {
    url,
    gateway,
    measure: async () => (await ask(subject, 'measure')) as VoiceHoldings,
    async stop() {
      await stopChild(subject)
      await gateway.close()
    },
  }
}

function speechAt(origin: string) {
  return { voice: { base_url: `${origin}/v1`, model: 'bench' } }
}

async function ask(subject: ChildProcess, question: 'hello' | 'measure'): Promise<unknown> {
  const answer = once(subject, 'message')
  subject.send(question)
  return ((await answer) as [unknown])[0]
}
