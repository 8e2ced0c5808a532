/** The contract as routes of fastify. */
import type { FastifyInstance, FastifyRequest, RouteShorthandOptions } from 'fastify'
import type { Caller, Credentials } from './callers.ts'
import { CONTRACT, type Access, type Endpoint } from './contract.ts'
import { docsPage, DOCS_STYLE } from './docs-page.ts'
import { banHandlers } from './handlers/bans.ts'
import { bridgeHandlers } from './handlers/bridges.ts'
import { delayedHandlers } from './handlers/delayed.ts'
import { brokerHandlers } from './handlers/broker.ts'
import { clusterHandlers } from './handlers/cluster.ts'
import { clientHandlers } from './handlers/clients.ts'
import type { Call, Handlers, HandlerWorld } from './handlers/handler.ts'
import { messageHandlers } from './handlers/messages.ts'
import { toolHandlers } from './handlers/tools.ts'
import { topicMetricHandlers } from './handlers/topic-metrics.ts'
import { userHandlers } from './handlers/users.ts'
import { HttpError } from './http-error.ts'
import { errorReply } from './schemas-broker.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access
  }
  interface FastifyRequest {
    caller: Caller | null
    credentials: Credentials | null
  }
}

type AnyEndpoint = Endpoint<unknown, unknown, unknown, unknown>
type AnyHandler = (call: Call<unknown, unknown, unknown>) => unknown

export function addRoutes(app: FastifyInstance, world: HandlerWorld): void {
  const handlers: Handlers = {
    ...brokerHandlers(world),
    ...clientHandlers(world),
    ...messageHandlers(world),
    ...bridgeHandlers(world),
    ...delayedHandlers(world),
    ...clusterHandlers(world),
    ...toolHandlers(world),
    ...topicMetricHandlers(world),
    ...userHandlers(world),
    ...banHandlers(world),
  }
  for (const [name, endpoint] of Object.entries(CONTRACT)) {
    const handler = handlers[name as keyof Handlers] as AnyHandler
    addRoute(app, endpoint, handler)
  }
  const documented = {
    config: { access: 'open' as const },
    schema: { hide: true },
    exposeHeadRoute: true,
  }
  app.get('/api/v1/openapi.json', documented, () => app.swagger())
  app.get('/api/v1/docs', documented, (_, reply) =>
    reply.type('text/html; charset=utf-8').send(docsPage(app.swagger())),
  )
  app.get('/api/v1/docs.css', documented, (_, reply) =>
    reply.type('text/css; charset=utf-8').send(DOCS_STYLE),
  )
}

const FLAGS: Readonly<Record<string, boolean>> = { true: true, false: false }

/** A query is text: what its schema says is a number or a flag becomes one, if it reads as one. */
function queryCoercion({ query: schema }: AnyEndpoint) {
  const rows = Object.entries((schema?.['properties'] ?? {}) as Record<string, { type: string }>)
  return async ({ query }: FastifyRequest): Promise<void> => {
    const values = query as Record<string, unknown>
    for (const [name, { type }] of rows) {
      const text = values[name]
      if (typeof text !== 'string') continue
      if (type === 'boolean') values[name] = FLAGS[text] ?? text
      else if (type !== 'string') values[name] = numberOf(name, text)
    }
  }
}

/** As JSON writes whole numbers: no `0x10`, `1e3`, `+1`, `01` or blanks, which other readers take for something else. */
const WHOLE_NUMBER = /^-?(?:0|[1-9][0-9]*)$/

/** Hundreds of digits would become a number that no bound of the schema is held against. */
function numberOf(name: string, text: string): number | string {
  if (!WHOLE_NUMBER.test(text)) return text
  const number = Number(text)
  if (!Number.isFinite(number))
    throw new HttpError(400, `querystring/${name} must be a finite number`)
  return number
}

function addRoute(app: FastifyInstance, endpoint: AnyEndpoint, handler: AnyHandler): void {
  const { method, url, access, bodyBytesMax } = endpoint
  const options: RouteShorthandOptions = {
    config: { access },
    schema: schemaOf(endpoint),
    ...(bodyBytesMax === 0 ? {} : { bodyLimit: bodyBytesMax }),
  }
  app.route({
    ...options,
    method,
    url,
    exposeHeadRoute: method === 'GET',
    preValidation: queryCoercion(endpoint),
    handler: (request, sent) => handler(callOf(request, sent)),
  })
}

function schemaOf(endpoint: AnyEndpoint) {
  const { access, params, query, body, reply, answersUnavailable, tag, summary } = endpoint
  return {
    tags: [tag],
    summary,
    ...(params === null ? {} : { params }),
    ...(query === null ? {} : { querystring: query }),
    ...(body === null ? {} : { body }),
    response: {
      ...(reply === null ? {} : { 200: reply }),
      ...(reply !== null && answersUnavailable ? { 503: reply } : {}),
      '4xx': errorReply,
      '5xx': errorReply,
    },
    ...(access === 'open' ? { security: [] } : {}),
  }
}

function callOf(
  { params, query, body, caller, credentials }: FastifyRequest,
  reply: Call<unknown, unknown, unknown>['reply'],
): Call<unknown, unknown, unknown> {
  return {
    params,
    query,
    body,
    caller: caller as Caller,
    credentials: credentials as Credentials,
    reply,
  }
}
