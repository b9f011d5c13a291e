import { PROFILE_NAMES, type ProfileName } from '../config.ts'

/** The kinds of work that `/chat` and `/route` take, each with its profile; a profile's own name is one too. */
const PROFILE_OF_TASK: Readonly<Record<string, ProfileName>> = {
  chat: 'chat_low_latency',
  reasoning: 'reasoning_deep',
  tools: 'tool_execution',
  memory: 'memory_ops',
  ...Object.fromEntries(PROFILE_NAMES.map((name) => [name, name])),
}

export const TASK_TYPES = Object.keys(PROFILE_OF_TASK)

export function profileOfTask(taskType: string): ProfileName {
  const profile = PROFILE_OF_TASK[taskType]
  if (profile === undefined) throw new Error(`no profile for task type ${taskType}`)
  return profile
}
