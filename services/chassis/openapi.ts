import type { FastifySchema } from 'fastify'

export interface DocumentedRoute {
  readonly method: string | string[]
  readonly url: string
  readonly schema: FastifySchema | undefined
}

/**
 * The OpenAPI document of a service, made when somebody first asks for it: generating it at every start would cost
 * each of the six processes what only readers of the document need.
 */
export function createOpenApi(
  info: { readonly title: string; readonly version: string },
  routes: readonly DocumentedRoute[],
): () => Promise<unknown> {
  let document: Promise<unknown> | undefined
  return () => {
    document ??= generate(info, routes)
    return document
  }
}

async function generate(
  info: { readonly title: string; readonly version: string },
  routes: readonly DocumentedRoute[],
): Promise<unknown> {
  const [{ default: fastify }, { default: swagger }] = await Promise.all([
    import('fastify'),
    import('@fastify/swagger'),
  ])
  const app = fastify({ exposeHeadRoutes: false })
  app.setValidatorCompiler(() => () => true)
  app.setSerializerCompiler(() => () => '')
  await app.register(swagger, { openapi: { openapi: '3.1.0', info: { ...info } } })
  for (const { method, url, schema } of routes) {
    app.route({ method, url, handler: () => '', ...(schema === undefined ? {} : { schema }) })
  }
  await app.ready()
  const document = app.swagger()
  await app.close()
  return document
}
