import { ConfigError } from '#chassis/config.ts'
import { refusalOfBaseUrl } from './address-rules.ts'
import { createBudget } from './choice/budget.ts'
import type { Candidate } from './choice/candidate.ts'
import { type BreakerState, createGuard } from './choice/guard.ts'
import { createProfiles, type Profiles } from './choice/profiles.ts'
import { createQuarantine } from './choice/quarantine.ts'
import { PROFILE_NAMES, PROVIDER_NAME, type ProviderConfig, type RouterConfig } from './config.ts'
import { createEmbeddedProvider, EMBEDDED_ID, EMBEDDED_MODEL } from './embedded/embedded-provider.ts'
import type { ModelEntry, Provider } from './provider.ts'
import { anthropicHeaders, createAnthropicProvider } from './providers/anthropic.ts'
import { createOpenAiProvider } from './providers/openai.ts'

/** Everything the routes need, made from the configuration. */
export interface Router {
  readonly providers: readonly Provider[]
  readonly candidates: readonly Candidate[]
  readonly embeddingCandidates: readonly Candidate[]
  readonly profiles: Profiles
  close(): Promise<void>
}

export interface Surroundings {
  readonly nowMs: () => number
  readonly readSecret: (reference: string) => string
  /** Told when the breaker of a model changes. */
  readonly onBreaker: (model: { provider: string; model: string }, state: BreakerState) => void
}

const EMBEDDED_PLACES = 1000

export function assembleRouter(config: RouterConfig, around: Surroundings): Router {
  refuseProblems(problemsOf(config, around))
  const candidates: Candidate[] = []
  for (const [id, settings] of Object.entries(config.providers)) {
    candidates.push(...candidatesOf(createProvider(id, settings, around), settings, { config, around }))
  }
  if (config.embedded) candidates.push(...embeddedCandidates(config, around))
  const chat = candidates.filter(({ model }) => model.purpose === 'chat')
  const providers = [...new Set(candidates.map(({ provider }) => provider))]
  return {
    providers,
    candidates: chat,
    embeddingCandidates: candidates.filter(({ model }) => model.purpose === 'embeddings'),
    profiles: profilesOf(config, chat),
    async close() {
      await Promise.all(providers.map((provider) => provider.close()))
    },
  }
}

function createProvider(id: string, settings: ProviderConfig, around: Surroundings): Provider {
  // Read once, at start: a key that cannot be read stops the service, not a request.
  const key = settings.api_key === undefined ? null : around.readSecret(settings.api_key)
  const models = settings.models.map(modelEntry)
  const create = settings.kind === 'anthropic' ? createAnthropicProvider : createOpenAiProvider
  const upstream = {
    baseUrl: settings.base_url,
    headers: settings.kind === 'anthropic' ? anthropicHeaders(key) : bearer(key),
    connectMs: settings.connect_ms,
    connections: settings.max_concurrent * models.length,
    nowMs: around.nowMs,
  }
  return create({ id, models, upstream, nowMs: around.nowMs, outputLimitField: settings.output_limit_field })
}

function bearer(key: string | null): Record<string, string> {
  return key === null ? {} : { authorization: `Bearer ${key}` }
}

function modelEntry(model: ProviderConfig['models'][number]): ModelEntry {
  return {
    name: model.name,
    purpose: model.purpose,
    usdPerMillionInputTokens: model.usd_per_million_input_tokens,
    usdPerMillionOutputTokens: model.usd_per_million_output_tokens,
  }
}

function candidatesOf(
  provider: Provider,
  settings: Pick<ProviderConfig, 'max_concurrent' | 'usd_per_day' | 'tokens_per_day'>,
  { config, around }: { config: RouterConfig; around: Surroundings },
): Candidate[] {
  const budget = createBudget({
    usdPerDay: settings.usd_per_day ?? Number.POSITIVE_INFINITY,
    tokensPerDay: settings.tokens_per_day ?? Number.POSITIVE_INFINITY,
  })
  return provider.models.map((model) => ({
    id: `${provider.id}/${model.name}`,
    provider,
    model,
    modelName: model.name,
    guard: createGuard({
      consecutiveFailures: config.breaker.consecutive_failures,
      openMs: config.breaker.open_ms,
      maxConcurrent: settings.max_concurrent,
      onState: (state) => around.onBreaker({ provider: provider.id, model: model.name }, state),
    }),
    quarantine: createQuarantine({ restMs: config.quarantine_ms }),
    budget,
  }))
}

function embeddedCandidates(config: RouterConfig, around: Surroundings): Candidate[] {
  const provider = createEmbeddedProvider({ nowMs: around.nowMs })
  return candidatesOf(provider, { max_concurrent: EMBEDDED_PLACES }, { config, around })
}

/** The embedded stand-in is the last candidate of every profile, wherever it stands or does not stand in the list. */
function profilesOf(config: RouterConfig, chat: readonly Candidate[]): Profiles {
  const standIns = chat.filter(({ provider }) => provider.kind === 'embedded')
  const profiles = PROFILE_NAMES.map((name) => {
    const settings = config.profiles[name]
    const listed = settings.candidates.flatMap((id) => chat.filter((candidate) => candidate.id === id))
    const preferred = settings.candidates.length > 0 ? listed : chat
    return { name, settings, candidates: [...new Set([...preferred, ...standIns])] }
  })
  return createProfiles({ profiles, defaultName: config.default_profile, candidates: chat })
}

function refuseProblems(problems: readonly string[]): void {
  if (problems.length > 0) throw new ConfigError(problems.map((text) => `services["model-router"]${text}`))
}

/** What the schema cannot say. All problems at once. */
function problemsOf(config: RouterConfig, around: Surroundings): string[] {
  const providers = Object.entries(config.providers)
  const known = new Set(
    providers.flatMap(([id, { models }]) => (models ?? []).map(({ name }) => `${id}/${name}`)),
  )
  if (config.embedded) known.add(`${EMBEDDED_ID}/${EMBEDDED_MODEL}`)
  return [
    ...providers.flatMap(([id, settings]) => providerProblems(id, settings, around)),
    ...PROFILE_NAMES.flatMap((name) =>
      config.profiles[name].candidates
        .filter((candidate) => !known.has(candidate))
        .map((candidate) => `/profiles/${name}/candidates: no such model "${candidate}"`),
    ),
  ]
}

function providerProblems(id: string, settings: ProviderConfig, around: Surroundings): string[] {
  const place = `/providers/${id}`
  if (!PROVIDER_NAME.test(id)) return [`${place}: a name is lower-case letters, digits, - and _`]
  const names = settings.models.map(({ name }) => name)
  const twice = new Set(names.filter((name, index) => names.indexOf(name) !== index))
  const hasEmbeddings = settings.models.some(({ purpose }) => purpose === 'embeddings')
  const refusal = refusalOfBaseUrl(settings.base_url)
  return [
    ...(id === EMBEDDED_ID ? [`${place}: the name belongs to the built-in provider`] : []),
    ...(refusal === null ? [] : [`${place}/base_url: ${refusal}`]),
    ...secretProblems(settings, place, around),
    ...[...twice].map((name) => `${place}/models: "${name}" is there twice`),
    ...(settings.kind === 'anthropic' && hasEmbeddings
      ? [`${place}/models: Anthropic has no embeddings`]
      : []),
  ]
}

function secretProblems(settings: ProviderConfig, place: string, around: Surroundings): string[] {
  if (settings.api_key === undefined) return []
  try {
    around.readSecret(settings.api_key)
    return []
  } catch (error) {
    return [`${place}/api_key: ${error instanceof Error ? error.message : 'cannot be read'}`]
  }
}
