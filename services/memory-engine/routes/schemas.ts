import { Type } from 'typebox'
import { ID_PATTERN, SESSION_PATTERN, TYPE_PATTERN } from '../memory.ts'

export const MemoryType = Type.String({ pattern: TYPE_PATTERN })
export const SessionId = Type.String({ pattern: SESSION_PATTERN })
export const MemoryId = Type.String({ pattern: ID_PATTERN })
export const Content = Type.String({ minLength: 1 })
export const Metadata = Type.Record(Type.String(), Type.Unknown())
export const Limit = Type.Integer({ minimum: 1, maximum: 100, default: 10 })

/** An id of the wrong form is one that does not exist: 404, not 400. */
export const IdParams = Type.Object({ id: Type.String({ minLength: 1, maxLength: 256 }) })

export const MemoryBody = Type.Object({
  id: MemoryId,
  type: Type.String(),
  content: Type.String(),
  metadata: Metadata,
  session_id: Type.Union([Type.String(), Type.Null()]),
  created_at: Type.String(),
  updated_at: Type.String(),
})
