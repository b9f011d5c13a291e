import { Type } from 'typebox'
import { Check } from 'typebox/value'
import { ServiceError } from '#chassis/errors.ts'

/** The part of the OpenAI answer that is used. */
const EmbeddingsAnswer = Type.Object({
  data: Type.Array(
    Type.Object({ index: Type.Integer({ minimum: 0 }), embedding: Type.Array(Type.Number()) }),
  ),
})

const COMPONENTS_MAX = 8192

/** Vectors in the order of the texts; refuses an answer that lacks one, or whose vectors differ in length. */
export function readEmbeddings(body: unknown, count: number): readonly number[][] {
  if (!Check(EmbeddingsAnswer, body)) throw invalid('is not in the OpenAI format')
  const byIndex = new Map(body.data.map(({ index, embedding }) => [index, embedding]))
  const vectors = Array.from({ length: count }, (_, index) => byIndex.get(index) ?? [])
  const components = vectors[0]?.length ?? 0
  if (components === 0 || components > COMPONENTS_MAX) throw invalid('lacks a vector')
  if (vectors.some((vector) => vector.length !== components))
    throw invalid('holds vectors of different lengths')
  return vectors
}

function invalid(what: string): ServiceError {
  return new ServiceError('UNAVAILABLE', `The embeddings answer ${what}`)
}
