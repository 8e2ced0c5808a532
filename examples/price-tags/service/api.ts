/** The service's HTTP API and its page, on loopback: whoever can reach it may change prices. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import { CsvError, readPriceList } from './csv.ts'
import type { Place } from './feed.ts'
import type { Service } from './service.ts'
import {
  countUnknown,
  readChanges,
  readFailures,
  readOpen,
  readTimeline,
  readWall,
} from './wall.ts'

/** The page's files are not compiled: they lie beside the sources. */
const PAGE = new URL(
  import.meta.url.includes('/build/') ? '../../../../examples/price-tags/page/' : '../page/',
  import.meta.url,
)

const FILES: Readonly<Record<string, string>> = {
  'index.html': 'text/html; charset=utf-8',
  'wall.css': 'text/css; charset=utf-8',
  'wall.js': 'text/javascript; charset=utf-8',
  'words.js': 'text/javascript; charset=utf-8',
}

const CSV_BYTES_MAX = 8 << 20
const POLICY = "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'"
const number = { type: 'integer', minimum: 0, maximum: 0x7fffffff } as const
const placeSchema = {
  type: 'object',
  properties: { store: number, ap: number, aisle: number },
} as const
const idSchema = { type: 'object', required: ['id'], properties: { id: number } } as const
const nameSchema = (name: string, pattern: string) =>
  ({
    type: 'object',
    required: [name],
    properties: { [name]: { type: 'string', pattern } },
  }) as const
const planSchema = {
  type: 'object',
  properties: {
    label: { type: 'string', maxLength: 200, pattern: '^\\P{Cc}*$' },
    at: { type: 'string', format: 'date-time' },
  },
} as const

/** Not listening yet. */
export function createApi(service: Service): FastifyInstance {
  const api = Fastify({ bodyLimit: CSV_BYTES_MAX })
  api.removeAllContentTypeParsers()
  api.addContentTypeParser('text/csv', { parseAs: 'string' }, (_request, body, done) =>
    done(null, body),
  )
  api.addHook('onRequest', async (request, reply) => {
    reply.header('content-security-policy', POLICY)
    reply.header('x-content-type-options', 'nosniff')
    // No other page may talk to it through somebody's browser.
    const { origin, host } = request.headers
    const isHere = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(host ?? '')
    if (!isHere || (origin !== undefined && origin !== `http://${host}`))
      await reply.code(403).send({ error: 'this page is for this machine' })
  })
  addPage(api)
  addReading(api, service)
  addChanging(api, service)
  addEvents(api, service)
  return api
}

function addPage(api: FastifyInstance): void {
  for (const [name, type] of Object.entries(FILES))
    api.get(name === 'index.html' ? '/' : `/${name}`, (_request, reply) =>
      reply.type(type).send(readFileSync(fileURLToPath(new URL(name, PAGE)))),
    )
}

function addReading(api: FastifyInstance, service: Service): void {
  const { query } = service.db
  api.get('/api/fleet', () => ({ ...service.options.fleet, database: service.db.kind }))
  api.get<{ Querystring: Partial<Place> }>(
    '/api/wall',
    { schema: { querystring: placeSchema } },
    async ({ query: { store = 0, ap = 0, aisle = 0 } }) => ({
      ...(await readWall(query, { store, ap, aisle })),
      offline: [...service.presence].flatMap(([name, status]) =>
        status === 'offline' ? [name] : [],
      ),
    }),
  )
  api.get('/api/changes', () => readChanges(query))
  api.get<{ Params: { id: number } }>(
    '/api/changes/:id/open',
    { schema: { params: idSchema } },
    ({ params: { id } }) => readOpen(query, id),
  )
  api.get<{ Params: { id: number } }>(
    '/api/changes/:id/failures',
    { schema: { params: idSchema } },
    ({ params: { id } }) => readFailures(query, id),
  )
  api.get<{ Params: { id: number } }>(
    '/api/tasks/:id',
    { schema: { params: idSchema } },
    async ({ params: { id } }, reply) =>
      (await readTimeline(query, id)) ?? missing(reply, 'no such task'),
  )
  api.get<{ Params: { tag: string } }>(
    '/api/tags/:tag',
    { schema: { params: nameSchema('tag', '^[0-9-]+$') } },
    async ({ params: { tag } }) => {
      const rows = await query<{ id: number }>(
        'select id from task where tag = $1 order by id desc limit 1',
        [tag],
      )
      return { task: rows[0]?.id ?? null }
    },
  )
  api.get<{ Params: { hash: string } }>(
    '/api/content/:hash.png',
    { schema: { params: nameSchema('hash', '^[0-9a-f]+$') } },
    async ({ params }, reply) => {
      const content = await service.contents.find(params.hash)
      if (content === undefined) return missing(reply, 'nothing has this hash')
      reply.header('cache-control', 'public, max-age=31536000, immutable').type('image/png')
      return reply.send(service.contents.png(content))
    },
  )
}

function missing(reply: FastifyReply, error: string) {
  return reply.code(404).send({ error })
}

/** The broker keeps a delayed message so long. */
const AHEAD_MS_MAX = 49 * 86_400_000

function addChanging(api: FastifyInstance, service: Service): void {
  api.post<{ Body: string | undefined; Querystring: { label?: string; at?: string } }>(
    '/api/changes',
    { schema: { querystring: planSchema } },
    async ({ body = '', query: { label = 'price list', at } }, reply) => {
      const dueMs = at === undefined ? 0 : Date.parse(at)
      if (!(dueMs <= Date.now() + AHEAD_MS_MAX))
        return reply.code(400).send({ error: `"${at}" is no time of the next 49 days` })
      try {
        const articles = readPriceList(body)
        const change = await service.plan(label, articles, dueMs)
        return {
          change,
          articles: articles.length,
          unknown: await countUnknown(service.db.query, articles),
        }
      } catch (error) {
        if (!(error instanceof CsvError)) throw error
        return reply
          .code(400)
          .send({ error: error.message, problems: error.problems.slice(0, 100) })
      }
    },
  )
  api.post('/api/wake', async () => {
    await service.wake()
    return { done: true }
  })
  api.post<{ Params: { id: number } }>(
    '/api/changes/:id/retry',
    { schema: { params: idSchema } },
    async ({ params: { id } }) => ({ tasks: await service.retry(id) }),
  )
  api.post<{ Params: { id: number } }>(
    '/api/changes/:id/rollback',
    { schema: { params: idSchema } },
    async ({ params: { id } }, reply) => {
      const change = await service.rollBack(id)
      return change > 0 ? { change } : missing(reply, 'there was nothing before')
    },
  )
}

/** Server-sent events: the tasks that moved on the shelves that a page shows. */
function addEvents(api: FastifyInstance, service: Service): void {
  api.get<{ Querystring: Partial<Place> }>(
    '/api/events',
    { schema: { querystring: placeSchema } },
    ({ query: { store = 0, ap = 0, aisle = 0 } }, reply) => {
      reply.hijack()
      reply.raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
      reply.raw.write(': hello\n\n')
      const place = { store, ap, aisle }
      const stop = service.feed.read(service.options.fleet, place, (moves) => {
        // Who does not read asks for all of it when it is back.
        if (reply.raw.writableLength > CSV_BYTES_MAX) reply.raw.destroy()
        else reply.raw.write(`data: ${JSON.stringify(moves)}\n\n`)
      })
      reply.raw.on('close', stop)
    },
  )
}
