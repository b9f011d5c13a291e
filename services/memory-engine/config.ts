import { type Static, Type } from 'typebox'

export const MEMORY_ENGINE_CONFIG = Type.Object(
  {
    /** Threads that search and recall. */
    readers: Type.Integer({ minimum: 1, maximum: 16, default: 2 }),
    /** How long a statement waits for a lock of another program. */
    busy_timeout_ms: Type.Integer({ minimum: 0, maximum: 10_000, default: 1000 }),
    /** Upper bound of the database file; 0: the disk's own. */
    database_bytes_max: Type.Integer({ minimum: 0, default: 0 }),
    import_bytes_max: Type.Integer({ minimum: 1024, maximum: 1_073_741_824, default: 67_108_864 }),
    embeddings: Type.Object(
      {
        enabled: Type.Boolean({ default: false }),
        model: Type.String({ minLength: 1, maxLength: 200, default: 'default' }),
        /** How long a search waits for the vector of its query before it answers without. */
        query_timeout_ms: Type.Integer({ minimum: 10, maximum: 10_000, default: 400 }),
        batch: Type.Integer({ minimum: 1, maximum: 128, default: 32 }),
      },
      { additionalProperties: false, default: {} },
    ),
  },
  { additionalProperties: false },
)

export type MemoryEngineConfig = Static<typeof MEMORY_ENGINE_CONFIG>
