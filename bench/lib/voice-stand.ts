import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { stopChild } from './child-process.ts'
import type { VoiceHoldings } from './voice-subject-main.ts'

/** Voice in a process of its own, and what stands behind it in another: the bench itself is only the clients. */
export interface VoiceStand {
  readonly url: string
  readonly gatewayOrigin: string
  /** The gateway ends every connection and listens again. */
  restartGateway(): Promise<void>
  gatewayInFlight(): Promise<number>
  measure(): Promise<VoiceHoldings>
  stop(): Promise<void>
}

export async function startVoiceStand(config: object): Promise<VoiceStand> {
  const gateway = forkProgram('./voice-gateway-main.ts', [])
  const gatewayOrigin = (await ask(gateway, 'origin')) as string
  const section = { speech: { embedded_voice: { enabled: false }, ...speechAt(gatewayOrigin) }, ...config }
  const subject = forkProgram('./voice-subject-main.ts', [gatewayOrigin, JSON.stringify(section)])
  const { url } = (await ask(subject, 'hello')) as { url: string }
  return {
    url,
    gatewayOrigin,
    restartGateway: async () => void (await ask(gateway, 'restart')),
    gatewayInFlight: async () => (await ask(gateway, 'in_flight')) as number,
    measure: async () => (await ask(subject, 'measure')) as VoiceHoldings,
    async stop() {
      await stopChild(subject)
      await stopChild(gateway)
    },
  }
}

function forkProgram(file: string, args: readonly string[]): ChildProcess {
  return fork(fileURLToPath(new URL(file, import.meta.url)), args, { execArgv: ['--expose-gc'] })
}

function speechAt(origin: string) {
  return { voice: { base_url: `${origin}/v1`, model: 'bench' } }
}

async function ask(child: ChildProcess, question: string): Promise<unknown> {
  const answer = once(child, 'message')
  child.send(question)
  return ((await answer) as [unknown])[0]
}
