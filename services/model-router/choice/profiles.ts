import { ServiceError } from '#chassis/errors.ts'
import type { ProfileConfig, ProfileName } from '../config.ts'
import type { Candidate } from './candidate.ts'

/** A profile with its candidates resolved. */
export interface Profile {
  readonly name: ProfileName
  readonly settings: ProfileConfig
  readonly candidates: readonly Candidate[]
}

/** What a request is to be answered with: candidates in order, under the limits of one profile. */
export interface Plan {
  readonly profile: Profile
  readonly candidates: readonly Candidate[]
}

export interface Profiles {
  readonly all: readonly Profile[]
  get(name: string): Profile
  /** By profile name, by "provider/model", by bare model name, or by default. */
  plan(wish: { profile?: string | undefined; model?: string | undefined }): Plan
}

/** Model names that mean "whatever the profile says". */
const AUTOMATIC = new Set(['auto', 'sonia', 'default'])

export function createProfiles(options: {
  profiles: readonly Profile[]
  defaultName: string
  candidates: readonly Candidate[]
}): Profiles {
  const byName = new Map<string, Profile>(options.profiles.map((profile) => [profile.name, profile]))

  function get(name: string): Profile {
    const profile = byName.get(name)
    if (profile === undefined) throw new ServiceError('NOT_FOUND', 'Unknown profile')
    return profile
  }

  function withModelFirst(profile: Profile, model: string): Plan {
    const asked = options.candidates.filter(({ id, modelName }) => id === model || modelName === model)
    if (asked.length === 0) throw new ServiceError('NOT_FOUND', 'Unknown model')
    return {
      profile,
      candidates: [...asked, ...profile.candidates.filter((other) => !asked.includes(other))],
    }
  }

  return {
    all: options.profiles,
    get,
    plan({ profile: profileName, model }) {
      const isProfileName = model !== undefined && byName.has(model)
      const profile = get(profileName ?? (isProfileName ? model : options.defaultName))
      if (model === undefined || isProfileName || AUTOMATIC.has(model)) {
        return { profile, candidates: profile.candidates }
      }
      return withModelFirst(profile, model)
    },
  }
}
