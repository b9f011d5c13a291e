import { defineService } from '#chassis/define-service.ts'
import { assembleRouter } from './assemble.ts'
import { RouterConfig } from './config.ts'
import { registerChat } from './routes/chat.ts'
import { registerCompletions } from './routes/completions.ts'
import { registerEmbeddings } from './routes/embeddings.ts'
import { registerOverview } from './routes/overview.ts'
import { createTurnMetrics } from './turn-metrics.ts'
import { createTurnRecorder } from './turn-record.ts'

export const service = defineService({
  name: 'model-router',
  config: RouterConfig,
  setup({ app, config, clock, log, metrics, onStop, readSecret }) {
    const router = assembleRouter(config, { nowMs: () => clock.nowMs(), readSecret })
    onStop('connections to model providers', () => router.close())

    const parts = {
      router,
      recorder: createTurnRecorder({ log, metrics: createTurnMetrics(metrics), clock }),
      clock,
    }
    registerCompletions(app, parts)
    registerChat(app, parts)
    registerEmbeddings(app, parts)
    registerOverview(app, parts)
  },
})
