import type { Profile } from '../profiles.ts'

/** The shortest profile drills a part of the alerts and says so; every other one drills all. */
export function drillScope({ name }: Pick<Profile, 'name'>): 'part' | 'all' {
  return name === 'ci' ? 'part' : 'all'
}

/** What the drill promises to last, in seconds; criteria over every rule need the longer one. */
export const DRILL_SECONDS = { part: 20, all: 60 } as const
