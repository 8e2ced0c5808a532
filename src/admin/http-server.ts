/**
 * The HTTP server of one listener: fastify with the routes of the contract, and in front of every one of them
 *
 *     Host ─▶ other site? ─▶ who is it ─▶ forged? ─▶ may they ─▶ rate ─▶ schema ─▶ handler
 */
import { isUtf8 } from 'node:buffer'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import rateLimit from '@fastify/rate-limit'
import swagger from '@fastify/swagger'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { addressOf } from '../base/address.ts'
import type { Admin } from './admin.ts'
import { CHALLENGE, Callers, type Credentials } from './callers.ts'
import type { HandlerWorld } from './handlers/handler.ts'
import { securityHeaders } from './headers.ts'
import { HttpError } from './http-error.ts'
import { createStreams } from './live.ts'
import { EMPTY_PAGE, servePages } from './pages.ts'
import { isForeignToProxy, proxyUser } from './proxy-login.ts'
import { addRoutes } from './routes.ts'
import { isForeign, isOurHost } from './site.ts'
import { MQTT_PATH, type AdminSource, type HttpPeer, type HttpServerOptions } from './source.ts'
import { createVisits, type Visits } from './visits.ts'

export interface HttpServer<P extends HttpPeer> {
  /**
   * Takes a connection, paused.
   *
   * @param stays Is called with the ms that it may stay from then on; 0: for ever.
   */
  take(socket: Socket, peer: P, stays: (ms: number) => void): void
  close(): Promise<void>
}

const BODY_BYTES_MAX = 256 * 1024
const HEADER_BYTES_MAX = 16 * 1024
const IDLE_MS_MAX = 10_000
const REQUESTS_MAX = 2000
const REQUESTS_WINDOW_MS = 10_000

/** Throws the system's error when the directory of the pages cannot be read. */
export async function createHttpServer<P extends HttpPeer>(
  admin: Admin,
  options: HttpServerOptions<P>,
): Promise<HttpServer<P>> {
  const app = createApp(admin.source)
  const visits = createVisits<P>(app.server)
  const streams = createStreams(admin, (reply) => visits.of(reply.raw.socket as Socket)?.stays(0))
  const world = worldOf(admin, options, streams)
  guard(app, world.callers, options, visits)
  await addPlugins(app, admin.source.version, visits)
  addRoutes(app, world)
  if (options.directory === null)
    app.get('/', { schema: { hide: true }, exposeHeadRoute: true }, (_, reply) =>
      reply.type('text/html').send(EMPTY_PAGE),
    )
  else await servePages(app, options.directory, framingOf(options))
  takeUpgrades(app, options, visits)
  await app.ready()
  return {
    take: visits.take,
    async close() {
      streams.closeAll()
      visits.closeAll()
      await app.close()
    },
  }
}

function createApp(source: AdminSource): FastifyInstance {
  const app = fastify({
    bodyLimit: BODY_BYTES_MAX,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 100 },
    // Bodies have types; a query is text, which `coerceQuery` reads as what its schema says.
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false, allErrors: false } },
    keepAliveTimeout: IDLE_MS_MAX,
    http: { maxHeaderSize: HEADER_BYTES_MAX },
  })
  // JSON alone: what a form of another site can send is none.
  app.removeContentTypeParser('text/plain')
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    // What is no character would be replaced by one without a word.
    if (isUtf8(body as Buffer)) void parseJson(request, body.toString(), done)
    else done(new HttpError(400, 'The body is not UTF-8.'))
  })
  app.setErrorHandler((error: HttpFault, request, reply) => {
    const { statusCode = 500 } = error
    if (statusCode >= 500 && !(error instanceof HttpError)) source.logFault(error)
    return answerError(error, request, reply)
  })
  app.setNotFoundHandler((request, reply) => {
    if (request.method === 'GET' || request.method === 'HEAD')
      return answerStatus(reply, 404, 'There is nothing at this path.')
    return answerStatus(reply, 405, 'Invalid HTTP Method')
  })
  return app
}

function worldOf<P extends HttpPeer>(
  admin: Admin,
  { listener, secure, onUpgrade, trustsProxy }: HttpServerOptions<P>,
  streams: HandlerWorld['streams'],
): HandlerWorld {
  const { source } = admin
  const isOpen = (): boolean => source.localOnly && listener.allowAnonymous
  const callers = new Callers({
    auth: source.auth,
    listener,
    logins: admin.logins,
    isOpen,
    secure,
    checksPasswords: () => source.checksPasswords(listener),
    adminUsers: () => source.adminUsers(listener),
    mayAdminister: (who) => source.users.mayAdminister(who),
    behindProxy: trustsProxy !== null,
    now: () => performance.now(),
  })
  return {
    admin,
    callers,
    listener,
    streams,
    loginRequired: () => trustsProxy === null && !isOpen(),
    hasWebSocket: onUpgrade !== null,
  }
}

function credentialsOf<P extends HttpPeer>(
  { headers, method, socket }: FastifyRequest,
  visits: Visits<P>,
): Credentials {
  const remote = visits.of(socket)?.peer.remote ?? ''
  return { headers, method, remote, address: addressOf(remote) }
}

/** What every request has to pass before anything else looks at it. */
function guard<P extends HttpPeer>(
  app: FastifyInstance,
  callers: Callers,
  options: HttpServerOptions<P>,
  visits: Visits<P>,
): void {
  const isOurs = siteOf(options)
  const headers = securityHeaders(framingOf(options))
  app.decorateRequest('caller', null)
  app.decorateRequest('credentials', null)
  app.addHook('onRequest', async (request, reply) => {
    void reply.headers(headers)
    checkProxy(options, credentialsOf(request, visits).address)
    if (!isOurs.host(request.headers) && !isProbe(request))
      throw new HttpError(421, 'This host name is not ours: see "http_host" of the listener.')
    const access = request.is404 ? undefined : request.routeOptions.config.access
    // Pages may be linked to from anywhere; what they show comes from the API.
    if (access === undefined) return
    if (isOurs.foreign(request.headers))
      throw new HttpError(403, 'This request was made by a page of another site.')
    const credentials = credentialsOf(request, visits)
    const caller = await callers.identify(credentials)
    await callers.demand(access, caller, request.routeOptions.url ?? request.url, credentials)
    request.caller = caller
    request.credentials = credentials
  })
}

/** A page behind a proxy that logs people in is shown in a frame of that proxy's own. */
function framingOf<P extends HttpPeer>({ trustsProxy }: HttpServerOptions<P>): 'none' | 'self' {
  return trustsProxy === null ? 'none' : 'self'
}

function checkProxy<P extends HttpPeer>(
  { trustsProxy }: HttpServerOptions<P>,
  address: string,
): void {
  if (trustsProxy !== null && !trustsProxy(address))
    throw new HttpError(403, 'Only a proxy that logs people in may come here: "http_proxy_login".')
}

interface Site {
  host(headers: IncomingHttpHeaders): boolean
  /** @param origins Other sites that may. */
  foreign(headers: IncomingHttpHeaders, origins?: readonly string[]): boolean
}

/** Behind a proxy names are its affair: nobody else can reach us, by whatever name. */
function siteOf<P extends HttpPeer>({ hosts, trustsProxy }: HttpServerOptions<P>): Site {
  if (trustsProxy !== null) return { host: () => true, foreign: isForeignToProxy }
  const names = hosts.map((name) => name.toLowerCase())
  return { host: ({ host }) => isOurHost(host, names), foreign: isForeign }
}

/** Load balancers ask for these in HTTP/1.0, without a Host; the answer tells nothing. */
function isProbe({ headers, url }: FastifyRequest): boolean {
  return headers.host === undefined && (url === '/health' || url === '/ready')
}

async function addPlugins<P extends HttpPeer>(
  app: FastifyInstance,
  version: string,
  visits: Visits<P>,
): Promise<void> {
  await app.register(rateLimit, {
    max: REQUESTS_MAX,
    timeWindow: REQUESTS_WINDOW_MS,
    keyGenerator: (request) => credentialsOf(request, visits).address,
  })
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Mozzie admin API',
        version,
        description:
          'Everything but GET needs the header X-CSRF-Token: the csrfToken of /api/v1/session, or any value without a session cookie.',
      },
      components: {
        securitySchemes: {
          basic: { type: 'http', scheme: 'basic' },
          cookie: { type: 'apiKey', in: 'cookie', name: 'mozzie_session' },
        },
      },
      security: [{ basic: [] }, { cookie: [] }],
    },
  })
}

function answerStatus(reply: FastifyReply, statusCode: number, message: string): FastifyReply {
  const error = statusNames.get(statusCode) ?? 'Error'
  return reply.code(statusCode).send({ statusCode, error, message })
}

const statusNames = new Map([
  [400, 'Bad Request'],
  [401, 'Unauthorized'],
  [403, 'Forbidden'],
  [404, 'Not Found'],
  [405, 'Method Not Allowed'],
  [409, 'Conflict'],
  [413, 'Payload Too Large'],
  [415, 'Unsupported Media Type'],
  [421, 'Misdirected Request'],
  [429, 'Too Many Requests'],
  [500, 'Internal Server Error'],
  [503, 'Service Unavailable'],
  [507, 'Insufficient Storage'],
])

interface HttpFault extends Error {
  readonly statusCode?: number
}

/** A mistake of ours is no business of whoever asked; everything else says what to do. */
function answerError(error: HttpFault, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { statusCode = 500, message } = error
  if (statusCode === 401 && request.routeOptions.config.access === 'monitor')
    void reply.header('www-authenticate', CHALLENGE)
  const isOurs = statusCode >= 500 && !(error instanceof HttpError)
  const text = isOurs ? 'The broker made a mistake; its log says which.' : message
  return answerStatus(reply, statusCode, text)
}

/** WebSocket on the same port, for our own pages and those that are allowed by name. */
function takeUpgrades<P extends HttpPeer>(
  app: FastifyInstance,
  options: HttpServerOptions<P>,
  visits: Visits<P>,
): void {
  const { origins, onUpgrade, trustsProxy } = options
  const isOurs = siteOf(options)
  app.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const { headers, url } = request
    const refuse = (status: string): void => {
      socket.on('error', () => {})
      socket.once('finish', () => socket.destroy())
      socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
    }
    const visit = visits.of(request.socket)
    if (onUpgrade === null || visit === undefined || url?.split('?', 1)[0] !== MQTT_PATH)
      return refuse('404 Not Found')
    const isTrusted = trustsProxy === null || trustsProxy(addressOf(visit.peer.remote))
    if (!isTrusted) return refuse('403 Forbidden')
    if (!isOurs.host(headers)) return refuse('421 Misdirected Request')
    if (isOurs.foreign(headers, origins)) return refuse('403 Forbidden')
    const user = trustsProxy === null ? null : proxyUser(headers)
    if (trustsProxy !== null && user === null) return refuse('401 Unauthorized')
    visits.release(request.socket)
    visit.stays(0)
    onUpgrade(request, socket, head, visit.peer, user)
  })
}
