import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { defineService } from '#chassis/define-service.ts'
import { MEMORY_ENGINE_CONFIG } from './config.ts'
import { createEmbedder } from './embedding/embedder.ts'
import { makeMemoryId } from './memory.ts'
import { createMemoryStore } from './memory-store.ts'
import { addForgetRoute } from './routes/forget.ts'
import { addMemoryRoutes } from './routes/memories.ts'
import { addSearchRoute } from './routes/search.ts'
import { addStatsRoute } from './routes/stats.ts'
import { addTransferRoutes } from './routes/transfer.ts'
import { createTimingObserver } from './telemetry.ts'

const DATABASE_FILE = 'sonia.db'

export const service = defineService({
  name: 'memory-engine',
  config: MEMORY_ENGINE_CONFIG,
  async setup(ctx) {
    const { app, clock, config, health, log, metrics, paths } = ctx
    const items = metrics.gauge('sonia_memory_items')
    const store = createMemoryStore({
      database: {
        file: join(paths.data, DATABASE_FILE),
        busyTimeoutMs: config.busy_timeout_ms,
        bytesMax: config.database_bytes_max,
      },
      readers: config.readers,
      onTimings: createTimingObserver(ctx),
      onItems: (count) => items.set(count),
      onCrash: (thread, error) =>
        log.error({ operation: `${thread} thread`, error }, 'a database thread ended'),
    })
    ctx.onStop('memory store', store.stop)
    health.addDependency('database', store.check)
    const { neighbours, startCall } = ctx
    const embedder = createEmbedder({ store, neighbours, startCall, config: config.embeddings, health, log })
    ctx.onStop('embedder', embedder.stop)
    addMemoryRoutes({ app, store, clock, embedder })
    addSearchRoute({ app, store, clock, metrics, embedder })
    addTransferRoutes({
      app,
      store,
      clock,
      makeId: () => makeMemoryId((bytes) => randomBytes(bytes).toString('hex')),
      importBytesMax: config.import_bytes_max,
      onNewContent: embedder.notice,
    })
    addForgetRoute({ app, store })
    addStatsRoute({ app, store })
    // The first caller should not wait for threads to start; a database that cannot be opened is no reason to die.
    await store
      .check()
      .catch((error: unknown) => log.error({ operation: 'open database', error }, 'not open'))
    embedder.notice(0)
  },
})
