import { Type } from 'typebox'
import { ServiceError } from '#chassis/errors.ts'

/** Longest message; the body limit of the chassis is above it. */
const MESSAGE_CHARACTERS_MAX = 200_000

export const MessageText = Type.String({ minLength: 1, maxLength: MESSAGE_CHARACTERS_MAX })

/** A conversation: one of our own sessions ("ses_..."), or an id that the caller keeps (pipecat's UUID). */
export const SessionId = Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' })

export const ModelName = Type.String({ minLength: 1, maxLength: 200 })

/** A body that may be absent, where the fields may come as query parameters instead. */
export function optionalBody<T extends Parameters<typeof Type.Union>[0][number]>(schema: T) {
  return Type.Union([schema, Type.Null()])
}

/** The refusal of a request that says one thing in two places; `fields` names them. */
export function givenTwice(message: string, fields: readonly string[]): ServiceError {
  return new ServiceError('INVALID_ARGUMENT', `${message} (${fields.join(', ')})`, {
    details: { fields, problem: 'ambiguous' },
  })
}
