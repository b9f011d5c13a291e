import type { Options, Scenario } from 'k6/options'
import { actionOnce, prepareFiles } from '../lib/action.ts'
import { chatOnce } from '../lib/chat.ts'
import { readSettings } from '../lib/settings.ts'
import { voiceOnce } from '../lib/voice.ts'

const settings = readSettings(__ENV)

/** Open-loop arrivals: a stall of the stack shows as dropped iterations, not as fewer requests. */
function arrivals(perMinute: number, exec: string, usersMax: number): Scenario {
  return {
    executor: 'constant-arrival-rate',
    exec,
    rate: perMinute,
    timeUnit: '1m',
    duration: `${settings.durationSeconds}s`,
    preAllocatedVUs: usersMax,
    maxVUs: usersMax,
    gracefulStop: '30s',
  }
}

const scenarios = {
  chat: arrivals(settings.chatPerMinute, 'chat', 60),
  action: arrivals(settings.actionPerMinute, 'action', 30),
  voice: arrivals(settings.voicePerMinute, 'voice', 60),
}

export const options: Options = {
  // A rate of 0 leaves a scenario out.
  scenarios: Object.fromEntries(
    Object.entries(scenarios).filter(([, scenario]) => 'rate' in scenario && scenario.rate > 0),
  ),
  // For runs by hand; the gate asks Prometheus instead.
  thresholds: { checks: ['rate>0.995'], dropped_iterations: ['count==0'] },
  setupTimeout: '30s',
}

export function setup(): void {
  if (settings.actionPerMinute > 0) prepareFiles(settings)
}

export function chat(): void {
  chatOnce(settings)
}

export function action(): void {
  actionOnce(settings)
}

export function voice(): void {
  voiceOnce(settings)
}
