/** What the API says of the broker as a whole. */
import { METRIC_NAMES } from '../telemetry/sample.ts'
import {
  flag,
  integer,
  list,
  number,
  nullable,
  object,
  oneOf,
  record,
  text,
  type Static,
} from './schema.ts'
import { missing } from './schemas-pages.ts'

const timeMs = integer('Wall clock, ms since 1970.')

export const errorReply = object(
  {
    statusCode: integer('The HTTP status.'),
    error: text('The name of the status.'),
    message: text('What is wrong, and what to do.'),
  },
  [],
  'Any reply with a status of 400 or more.',
)

export const sample = object(
  {
    timeMs,
    ...Object.fromEntries(
      Object.entries(METRIC_NAMES).map(([name, about]) => [name, number(about)]),
    ),
  } as Record<'timeMs' | keyof typeof METRIC_NAMES, ReturnType<typeof number>>,
  [],
  'The broker at one moment; rates are over the second before it.',
)

export const drops = record(
  integer('Messages.'),
  'Messages that a receiver did not get, since the start, by reason.',
)

/** The worst at the end. */
const TROUBLES = ['memoryRefuse', 'memoryDropQos0', 'memoryShed', 'storeFull'] as const
export type Trouble = (typeof TROUBLES)[number]

export const overview = object({
  version: text('Version of the broker.'),
  node: text('Version of Node.js.'),
  startedAtMs: timeMs,
  uptimeSeconds: integer('Seconds since the start.'),
  localOnly: flag('Without a listener in its configuration: loopback only, no login.'),
  ready: flag('Takes connections.'),
  troubles: list(
    oneOf(
      'storeFull: what would have to be stored is refused; memory…: new clients are refused, or QoS 0 waits for nobody too, or messages are refused too.',
      TROUBLES,
    ),
    'What is wrong right now.',
  ),
  now: sample,
  totals: record(integer('Count.'), 'Counters since the start.'),
  maxima: record(integer('The most at any time.'), 'Since the start: sessions.'),
  drops,
})
export type Overview = Static<typeof overview>

export const historyQuery = object(
  {
    metrics: text('Names separated by commas; absent: all of them.', { maxLength: 2000 }),
    seconds: integer('How far back, in seconds; beyond 3600 by minutes.', {
      minimum: 1,
      maximum: 86_400,
      default: 3600,
    }),
    points: integer('At most so many points a metric: several seconds become their mean.', {
      minimum: 10,
      maximum: 3600,
      default: 3600,
    }),
  },
  ['metrics', 'seconds', 'points'],
)

export const history = object({
  stepMs: integer('Time between two points.'),
  endMs: integer('Time of the last point.'),
  metrics: record(
    list(nullable(number('Value; null: the broker was not running.')), 'Oldest first.'),
    'The points of each metric.',
  ),
})
export type History = Static<typeof history>

export const config = object({
  files: list(text('Path.'), 'The files of the configuration, in the order they were read.'),
  rows: list(
    object({
      section: oneOf('What it holds for.', ['global', 'listener', 'bridge']),
      of: text('Which listener or bridge; empty: all.'),
      option: text('Name of the option.'),
      value: nullable(text('As it counts; empty: not set; null: a secret that is set.')),
      from: oneOf(
        'file: a line of it; environment: a variable, which the line names if there is one.',
        ['default', 'file', 'environment', 'commandLine'],
      ),
      file: nullable(text('Path of the file that sets it.')),
      line: nullable(integer('Line in it.')),
      reload: flag('SIGHUP applies a change.'),
      summary: text('What it is.'),
    }),
    'Every option, in the order of the documentation.',
  ),
})
export type ConfigReply = Static<typeof config>

const topicMetric = object({
  filter: text('Topic filter.'),
  sinceMs: integer('Since when it is counted: wall clock, ms.'),
  messages: integer('Messages published to it.'),
  payloadBytes: integer('Bytes of their payloads.'),
  retained: integer('Those of them with the retain flag.'),
  lastMs: nullable(integer('When the last one came: wall clock, ms.')),
})
export type TopicMetric = Static<typeof topicMetric>
export const topicMetrics = object({
  items: list(topicMetric, 'In the order they were asked for, at most 50.'),
})
export const topicMetricBody = object({
  filter: text('Topic filter.', { minLength: 1, maxLength: 65_535 }),
})

export const listenersDetail = object({
  listeners: list(
    object({
      host: nullable(text('Address or host name; null: every address.')),
      port: integer('Port that is bound; 0: a unix socket.'),
      path: nullable(text('Path of a unix socket.')),
      protocol: oneOf('What is spoken there.', ['mqtt', 'websockets', 'http_api']),
      tls: flag('With TLS.'),
      clientCertificates: flag('Clients must show a certificate.'),
      allowAnonymous: flag('Lets clients in without a user name.'),
      connections: integer('Connections now.'),
      connectionsMax: integer('Most connections; 0: no limit of its own.'),
      maxQos: integer('Highest QoS.'),
      versions: list(integer('3 is MQTT 3.1, 4 is 3.1.1, 5 is 5.0.'), 'Versions let in.'),
    }),
    'In the order of the configuration.',
  ),
})
export type ListenersDetail = Static<typeof listenersDetail>

export const authorityQuery = object({
  port: integer('Port of a listener.', { minimum: 1, maximum: 65_535 }),
})
export const authority = object({
  tls: flag('There is a listener for WebSocket with TLS at this port.'),
  clientCertificates: flag('Its clients must show a certificate.'),
  mqtt: flag('There is a listener for MQTT over TCP at this port, which no browser can open.'),
  certificate: nullable(
    text('PEM of the authority behind its certificate; null: the broker does not know it.'),
  ),
})
export type Authority = Static<typeof authority>

export const bridges = object(
  {
    bridges: list(
      object({
        name: text('Of its "connection" line.'),
        node: nullable(text('The node of the cluster that it runs at; null: a broker of its own.')),
        state: oneOf(
          'waiting: for the next attempt, or, a lazy one, for something to do; stopped: once and lost.',
          ['waiting', 'connecting', 'up', 'paused', 'stopped'],
        ),
        address: text('In use, or tried last.'),
        remoteClientId: text('Client id at the other broker.'),
        localClientId: text('Client id of its session here.'),
        queued: integer('Messages that wait to cross.'),
        sent: integer('Messages sent to the other broker since the start.'),
        received: integer('Messages received from it.'),
        dropped: integer('Messages not passed on for good.'),
        connects: integer('Times that it was up.'),
        upSinceMs: nullable(timeMs),
        lastError: nullable(text('Why it was lost, or could not connect, last.')),
        lastErrorMs: nullable(timeMs),
        reconnectAtMs: nullable(timeMs),
      }),
      'In the order of the configuration; behind them those that only other nodes are configured to have.',
    ),
    missing,
  },
  ['missing'],
)

export const bridgeBody = object({
  name: text('Of its "connection" line.', { minLength: 1, maxLength: 65_535 }),
})

export const sessionReply = object({
  user: nullable(text('Who is logged in; null: nobody.')),
  admin: flag('May use the endpoints of the admin role.'),
  loginRequired: flag('false: this listener serves the owner of the machine without a login.'),
  csrfToken: nullable(
    text('To be sent as X-CSRF-Token with everything but GET; null: log in first.'),
  ),
  mqttPath: nullable(text('Path of MQTT over WebSocket on this port; null: there is none.')),
  version: text('Version of the broker.'),
})
export type SessionReply = Static<typeof sessionReply>

export const loginBody = object({
  username: text('Name of a user of the broker.', { minLength: 1, maxLength: 65_535 }),
  password: text('The password.', { maxLength: 65_535 }),
})

export const health = object({
  status: oneOf('Verdict.', ['ok', 'starting', 'draining', 'stopping']),
})

export const systree = record(integer('Value.'), 'The topics of $SYS by name.')

export const listeners = object({
  listeners: list(
    object(
      {
        port: integer('Port.'),
        path: text('Path of a unix socket.'),
        protocol: oneOf('What is spoken there.', ['mqtt', 'websockets', 'httpapi']),
        tls: flag('With TLS.'),
        mtls: flag('Clients must show a certificate.'),
        allow_anonymous: flag('Lets clients in without a user name.'),
      },
      ['port', 'path'],
    ),
    'In the order of the configuration.',
  ),
})
export type Listeners = Static<typeof listeners>

const LOG_CHOICE = {
  clientId: text('Only client events and log lines of this client.', { maxLength: 65_535 }),
  text: text('Only log lines that hold this text.', { maxLength: 1000 }),
  levels: text(
    'Of error, warning, notice, information, debug, subscribe, unsubscribe, websockets; separated by commas. ' +
      'Absent: all but debug.',
    { maxLength: 200 },
  ),
}
export const eventsQuery = object(
  {
    kinds: text('Of stats, client, log; separated by commas. Absent: stats.', { maxLength: 100 }),
    ...LOG_CHOICE,
  },
  ['kinds', 'clientId', 'text', 'levels'],
)

export const logQuery = object(LOG_CHOICE, ['clientId', 'text', 'levels'])
const logLine = object({
  number: integer('Ascending; 0: a line that is not kept, such as debug.'),
  timeMs,
  level: text('Its type.'),
  text: text('The line, controls escaped.'),
})
export type LogLine = Static<typeof logLine>
export const logReply = object({ lines: list(logLine, 'At most 1000, oldest first.') })
