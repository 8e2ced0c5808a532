/** The broker as a whole: overview, history, listeners, live events, health. */
import type { FastifyReply } from 'fastify'
import { allMetrics } from '../../telemetry/sampler.ts'
import type { MetricName } from '../../telemetry/sample.ts'
import { sysValues } from '../../telemetry/sys-values.ts'
import { HttpError } from '../http-error.ts'
import { namesOf, recentLines } from '../live.ts'
import { compatibleJson } from '../mosquitto-json.ts'
import type { Broker } from '../../broker/broker.ts'
import { Pressure } from '../../ports/pressure.ts'
import type { Authority, Listeners, Trouble } from '../schemas-broker.ts'
import { MQTT_PATH, type AdminSource } from '../source.ts'
import type { Caller } from '../callers.ts'
import type { Handlers, HandlerWorld } from './handler.ts'

type BrokerHandlers = Pick<
  Handlers,
  | 'systree'
  | 'listeners'
  | 'version'
  | 'health'
  | 'ready'
  | 'metrics'
  | 'session'
  | 'login'
  | 'logout'
  | 'overview'
  | 'history'
  | 'config'
  | 'listenersDetail'
  | 'authority'
  | 'events'
  | 'log'
>

/** Of memory the highest step that holds. */
function troublesOf({ pressure, isFull }: Pick<Broker, 'pressure' | 'isFull'>): Trouble[] {
  const troubles: Trouble[] = []
  if (pressure >= Pressure.shed) troubles.push('memoryShed')
  else if (pressure >= Pressure.dropQos0) troubles.push('memoryDropQos0')
  else if (pressure >= Pressure.refuse) troubles.push('memoryRefuse')
  if (isFull) troubles.push('storeFull')
  return troubles
}

export function brokerHandlers(world: HandlerWorld): BrokerHandlers {
  const { admin, callers, streams } = world
  const { source, sampler, metrics } = admin
  const { figures, version } = source
  return {
    systree: ({ reply }) => {
      const uptimeSeconds = Math.floor((Date.now() - source.startedAtMs) / 1000)
      return json(reply, sysValues(figures.stats, figures.counts(), uptimeSeconds))
    },
    listeners: ({ reply }) => json(reply, listenersOf(world)),
    version: ({ reply }) => reply.type('text/plain; charset=utf-8').send(version),
    health: () => ({ status: 'ok' }),
    ready: ({ reply }) => {
      const status = source.status()
      if (status !== 'ok') void reply.code(503)
      return { status }
    },
    metrics: async ({ reply }) => reply.type(metrics.contentType).send(await metrics.text()),
    session: ({ caller }) => sessionOf(world, caller),
    async login({ body, credentials, reply }) {
      const { caller, cookie } = await callers.login(body.username, body.password, credentials)
      void reply.header('set-cookie', cookie)
      return sessionOf(world, caller)
    },
    logout({ credentials, reply }) {
      const { done, cookie } = callers.logout(credentials)
      void reply.header('set-cookie', cookie)
      return { done }
    },
    overview: () => {
      const { stats } = figures
      return {
        version,
        node: process.version,
        startedAtMs: source.startedAtMs,
        uptimeSeconds: Math.floor((Date.now() - source.startedAtMs) / 1000),
        localOnly: source.localOnly,
        ready: source.status() === 'ok',
        troubles: troublesOf(source.broker),
        now: sampler.latest(),
        totals: totalsOf(stats),
        maxima: { sessions: stats.sessionsMax },
        drops: { ...stats.drops },
      }
    },
    history({ query: { metrics: list, seconds = 3600, points = 3600 } }) {
      const names = list === undefined ? allMetrics : namesOf('metrics', list, allMetrics)
      return sampler.history(names as MetricName[], seconds, points)
    },
    config: () => source.config(),
    listenersDetail: () => ({ listeners: source.listeners() }),
    authority: ({ query }) => authorityAt(source, query.port),
    log: ({ query }) => ({ lines: recentLines(admin, query) }),
    events({ query, credentials, caller, reply }) {
      // A password that was changed, a role that was taken away: the stream ends as well.
      let isWelcome = caller.admin
      const ask = (): boolean => {
        callers
          .identify(credentials)
          .then(({ admin: still }) => (isWelcome = still))
          .catch((error: unknown) => {
            if (error instanceof HttpError) isWelcome = false
          })
        return isWelcome
      }
      streams.open(query, reply, ask)
      return reply
    },
  }
}

function json(reply: FastifyReply, value: object): FastifyReply {
  return reply.type('application/json; charset=utf-8').send(compatibleJson(value))
}

/** What else there is at which port is nobody's business who is not logged in. */
function authorityAt(source: AdminSource, port: number): Authority {
  const found = source.listeners().find((listener) => listener.port === port)
  const mqtt = found?.protocol === 'mqtt'
  if (found === undefined || !found.tls || mqtt)
    return { tls: false, clientCertificates: false, mqtt, certificate: null }
  const { clientCertificates } = found
  return { tls: true, clientCertificates, mqtt, certificate: source.authorityAt(port) }
}

/** The numbers of `Stats`, without what is no counter. */
function totalsOf(stats: object): Record<string, number> {
  const entries = Object.entries(stats).filter(
    ([name, value]) =>
      typeof value === 'number' && !/Max$|subscriptions$|Subscriptions$/.test(name),
  )
  return Object.fromEntries(entries.map(([name, value]) => [name, Math.round(Number(value))]))
}

function sessionOf({ admin, loginRequired, hasWebSocket }: HandlerWorld, caller: Caller) {
  const { who, csrfToken } = caller
  return {
    user: who?.username ?? null,
    admin: caller.admin,
    loginRequired: loginRequired(),
    // Without a cookie there is nothing to steal: any value shows that the request is our page's.
    csrfToken: csrfToken ?? (caller.admin ? 'any' : null),
    mqttPath: hasWebSocket ? MQTT_PATH : null,
    version: admin.source.version,
  }
}

/** In mosquitto's names and order. */
function listenersOf({ admin }: HandlerWorld): Listeners {
  const listeners = admin.source.listeners().map((listener) => ({
    ...(listener.path === null ? { port: listener.port } : { path: listener.path }),
    protocol: listener.protocol === 'http_api' ? ('httpapi' as const) : listener.protocol,
    tls: listener.tls,
    mtls: listener.clientCertificates,
    allow_anonymous: listener.allowAnonymous,
  }))
  return { listeners }
}
