import { defineService } from '#chassis/define-service.ts'
import { assembleRouter } from './assemble.ts'
import { RouterConfig } from './config.ts'
import { registerChat } from './routes/chat.ts'
import { registerCompletions } from './routes/completions.ts'
import { registerEmbeddings } from './routes/embeddings.ts'
import { registerOverview } from './routes/overview.ts'
import { createTurnMetrics, labelsOf } from './turn-metrics.ts'
import { createTurnRecorder } from './turn-record.ts'

export const service = defineService({
  name: 'model-router',
  config: RouterConfig,
  setup({ app, config, settings, clock, log, metrics, health, onStop, readSecret }) {
    const turnMetrics = createTurnMetrics(metrics)
    const router = assembleRouter(config, {
      nowMs: () => clock.nowMs(),
      readSecret,
      onBreaker(labels, state) {
        turnMetrics.breaker(labels, state)
        const name = `${labels.provider}/${labels.model}`
        health.degrade(name, state === 'closed' ? null : `The breaker of ${name} is open`)
      },
    })
    onStop('connections to model providers', () => router.close())
    for (const candidate of [...router.candidates, ...router.embeddingCandidates]) {
      turnMetrics.begin(labelsOf(candidate))
    }

    const recorder = createTurnRecorder({ log, metrics: turnMetrics, clock, logContent: settings.logContent })
    const parts = { router, recorder, clock }
    registerCompletions(app, parts)
    registerChat(app, parts)
    registerEmbeddings(app, parts)
    registerOverview(app, parts)
  },
})
