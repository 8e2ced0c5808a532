/** What the API says of clients, subscriptions, messages. */
import { PacketType } from '../codec/packets.ts'
import { isReasonAllowed } from '../codec/reason-codes.ts'
import {
  flag,
  integer,
  list,
  nullable,
  object,
  oneOf,
  record,
  text,
  type Static,
} from './schema.ts'
import { missing, page, pageSize, paged, pagedOfAll } from './schemas-pages.ts'

const timeMs = integer('Wall clock, ms since 1970.')
const clientId = text('Client id.', { maxLength: 65_535 })
const topic = text('Topic name.', { minLength: 1, maxLength: 65_535 })
const filter = text('Topic filter.', { minLength: 1, maxLength: 65_535 })
const qos = integer('QoS.', { minimum: 0, maximum: 2 })
export const CLIENT_SORT_KEYS = [
  'clientId',
  'username',
  'connectedAtMs',
  'queued',
  'queuedBytes',
  'outputBytes',
  'inflight',
  'subscriptions',
  'dropped',
  'publishReceived',
  'publishSent',
  'bytesReceived',
  'bytesSent',
] as const

export const clientsQuery = object(
  {
    q: text('Only where client id, user name or address hold this text; case does not matter.', {
      maxLength: 1000,
    }),
    state: oneOf('Only these.', ['connected', 'offline']),
    username: text('Only clients of this user.', { maxLength: 65_535 }),
    version: integer('Only this version: 3 is MQTT 3.1, 4 is 3.1.1, 5 is 5.0.', {
      minimum: 3,
      maximum: 5,
    }),
    sort: oneOf('Order; absent: as they came.', CLIENT_SORT_KEYS),
    order: oneOf('Direction of the order.', ['asc', 'desc']),
    page,
    pageSize,
  },
  ['q', 'state', 'username', 'version', 'sort', 'order', 'page', 'pageSize'],
)
export type ClientsQuery = Static<typeof clientsQuery>

const clientProperties = {
  clientId,
  username: nullable(text('User name; null: anonymous.')),
  connected: flag('Its connection is open.'),
  remote: nullable(text('Address and port; null: offline.')),
  port: nullable(integer('Port of the listener it came in by.')),
  version: integer('3 is MQTT 3.1, 4 is 3.1.1, 5 is 5.0.'),
  durable: flag('The session outlives its connection.'),
  connectedAtMs: nullable(timeMs),
  disconnectedAtMs: nullable(timeMs),
  subscriptions: integer('Subscriptions.'),
  inflight: integer('Messages sent and not acknowledged.'),
  queued: integer('Messages that wait behind them.'),
  queuedBytes: integer('Bytes of both.'),
  outputBytes: integer('Bytes that wait for the network.'),
  dropped: integer('Messages that were not kept for it since its session is in memory.'),
  publishReceived: integer('Messages from it, since its connection began.'),
  publishSent: integer('Messages to it, since then.'),
  bytesReceived: integer('Bytes from it, since then.'),
  bytesSent: integer('Bytes to it, since then.'),
  thread: nullable(integer('The thread that serves it; null: there is one only.')),
  node: nullable(text('The node of the cluster that it is connected to; null: none.')),
}

export const clientRow = object(clientProperties)
export type ClientRow = Static<typeof clientRow>
export const clientPage = pagedOfAll(clientRow)

const subscriptionRow = object({
  clientId,
  filter: text('As subscribed, $share/group/ included.'),
  qos,
  noLocal: flag('Does not get its own messages.'),
  retainAsPublished: flag('Gets the retain flag as published.'),
  subscriptionId: nullable(integer('Subscription identifier.')),
  group: nullable(text('Group of a shared subscription.')),
  connected: flag('The client is connected.'),
})
export type SubscriptionRow = Static<typeof subscriptionRow>
export const subscriptionPage = pagedOfAll(subscriptionRow)

export const clientEvent = object(
  {
    timeMs,
    clientId: text('Client id.'),
    username: nullable(text('User name.')),
    remote: text('Address and port.'),
    kind: oneOf('What happened.', [
      'connected',
      'disconnected',
      'refused',
      'subscribed',
      'subscribeRefused',
      'unsubscribed',
      'expired',
      'will',
      'willDenied',
    ]),
    detail: text('Reason, filter, topic or protocol version; may be empty.'),
    filter: text('The filter that was asked for; only of subscribed and subscribeRefused.'),
    askedQos: integer('The QoS that was asked for; only of subscribed.'),
    retainHandling: integer('Retain Handling as asked for, 0 to 2; only of subscribed.'),
  },
  ['filter', 'askedQos', 'retainHandling'],
)
export type ClientEvent = Static<typeof clientEvent>

export const clientDetail = object({
  ...clientProperties,
  keepAliveSeconds: nullable(integer('Keep alive; null: offline or none.')),
  cleanStart: nullable(flag('Asked for a fresh session.')),
  expirySeconds: integer('Session expiry; 4294967295: never.'),
  receiveMaximum: nullable(integer('Most messages under way to it.')),
  maximumPacketBytes: nullable(integer('Largest packet it takes; null: any.')),
  topicAliasMaximum: nullable(integer('Topic aliases towards it.')),
  inflightBytes: integer('Payload bytes sent and not acknowledged.'),
  heldInbound: integer('QoS 2 messages from it that wait for PUBREL.'),
  ackedAtMs: nullable(timeMs),
  window: list(
    object({
      packetId: integer('Packet identifier.'),
      qos,
      topic: nullable(text('Topic; null: the message is not kept after sending.')),
      payloadBytes: integer('Bytes of the payload.'),
      released: flag('PUBREL was sent.'),
    }),
    'The first 100 messages sent and not acknowledged.',
  ),
  queue: list(
    object({
      qos,
      topic: text('Topic.'),
      payloadBytes: integer('Bytes of the payload.'),
      madeAtMs: nullable(timeMs),
      expiresAtMs: nullable(timeMs),
    }),
    'The first 100 messages that wait, those on the disk too. madeAtMs: since when a message waits; null: not known, as of one that an earlier version queued, or of a large retained one.',
  ),
  lastDrop: nullable(text('Why a message was last dropped for it.')),
  lastDropMs: nullable(timeMs),
  will: nullable(
    object({
      topic: text('Topic.'),
      qos,
      retain: flag('Retained.'),
      payloadBytes: integer('Bytes of the payload.'),
      delaySeconds: integer('Will delay.'),
    }),
  ),
  subscriptionList: list(subscriptionRow, 'The first 1000 subscriptions.'),
  events: list(clientEvent, 'What happened to it lately, newest first.'),
})
export type ClientDetail = Static<typeof clientDetail>

export const refusals = object({
  items: list(clientEvent, 'CONNECTs that were refused, newest first, at most 1000.'),
})

export const whyQuery = object(
  {
    client: text('Client id; absent: about the topic alone.', { minLength: 1, maxLength: 65_535 }),
    topic: text('Topic name; absent: about the client alone.', { minLength: 1, maxLength: 65_535 }),
  },
  ['client', 'topic'],
)
const whyLink = object({
  check: text('Name of the question.'),
  finding: text('Name of the answer.'),
  state: oneOf('good: as it should be; bad: in the way; note: to know.', ['good', 'bad', 'note']),
  question: text('The question in words.'),
  answer: text('The answer in words.'),
  evidence: text('What it rests on; may be empty.'),
  timeMs: nullable(timeMs),
  values: record(text('A value.'), 'What the answer is made of, for other languages.'),
})
export type WhyLink = Static<typeof whyLink>
export const whyReply = object({
  clientId: nullable(text('Client id asked about.')),
  topic: nullable(text('Topic asked about.')),
  finding: text('Name of the answer that decides; inOrder: nothing is in the way.'),
  verdict: text('The same in words, and those of what is to be noted.'),
  noted: list(
    text('Name of an answer.'),
    "What stands in no message's way, and may yet be what is asked about, such as No Local.",
  ),
  sinceMs: integer('Since when no event is missing: wall clock, ms.'),
  links: list(whyLink, 'The chain.'),
})
export type WhyReply = Static<typeof whyReply>

export const clientQuery = object({ clientId })
/** Errors that a server may give in DISCONNECT [MQTT-3.14.2-1]. */
const DISCONNECT_REASONS = Array.from({ length: 128 }, (_, index) => 128 + index).filter((code) =>
  isReasonAllowed(PacketType.disconnect, code, false),
)
export const disconnectBody = object(
  {
    clientId,
    reasonCode: integer('Reason code for a 5.0 client; absent: 152, administrative action.', {
      enum: DISCONNECT_REASONS,
    }),
  },
  ['reasonCode'],
)
export const done = object({ done: flag('false: there was nothing to do.') })

export const subscriptionsQuery = object(
  {
    clientId: text('Only of this client.', { maxLength: 65_535 }),
    q: text('Only where filter or client id hold this text; case does not matter.', {
      maxLength: 1000,
    }),
    match: text('Only filters that match this topic.', { maxLength: 65_535 }),
    shared: flag('Only shared ones, or only others.'),
    page,
    pageSize,
  },
  ['clientId', 'q', 'match', 'shared', 'page', 'pageSize'],
)
export type SubscriptionsQuery = Static<typeof subscriptionsQuery>

export const receiversQuery = object({ topic })
export const receivers = object(
  {
    topic: text('The topic asked for.'),
    total: integer('Subscriptions that match.'),
    retained: flag('The topic has a retained message.'),
    items: list(
      object({
        clientId,
        username: nullable(text('User name.')),
        connected: flag('The client is connected.'),
        filter: text('Filter that matches.'),
        qos,
        group: nullable(text('Shared group: one of its members gets the message.')),
        mayReceive: flag('The access rules let it receive this topic.'),
        keeps: flag('Offline, its session keeps QoS 1 and 2 messages.'),
      }),
      'The first 1000.',
    ),
    missing,
  },
  ['missing'],
)
export type Receivers = Static<typeof receivers>

export const retainedQuery = object(
  {
    filter: text('Only topics that match; absent: #, which leaves out $ topics.', {
      maxLength: 65_535,
    }),
    q: text('Only topics that hold this text; case does not matter.', { maxLength: 1000 }),
    page,
    pageSize,
  },
  ['filter', 'q', 'page', 'pageSize'],
)
export type RetainedQuery = Static<typeof retainedQuery>

/** Of a message that is kept. */
export const keptProperties = {
  topic: text('Topic.'),
  qos,
  payloadBytes: integer('Bytes of the payload.'),
  expiresAtMs: nullable(timeMs),
  publisher: nullable(text('Client id it came from, while known; null: the broker.')),
  publisherUser: nullable(text('User name it came from.')),
}
export const retainedRow = object({
  ...keptProperties,
  preview: text('The first 256 bytes of the payload, in base64.'),
})
export type RetainedRow = Static<typeof retainedRow>
export const retainedPage = paged(retainedRow)

export const userProperties = list(
  list(text('Name, then value.'), 'A pair.'),
  'User properties, in order.',
  1000,
)

const messageProperties = object(
  {
    payloadFormat: integer('1: the payload is UTF-8.', { minimum: 0, maximum: 1 }),
    messageExpirySeconds: integer('Life time.', { minimum: 0, maximum: 0xffffffff }),
    contentType: text('Content type.', { maxLength: 65_535 }),
    responseTopic: text('Response topic.', { maxLength: 65_535 }),
    correlationData: text('Correlation data in base64.', { maxLength: 90_000 }),
    userProperties,
  },
  [
    'payloadFormat',
    'messageExpirySeconds',
    'contentType',
    'responseTopic',
    'correlationData',
    'userProperties',
  ],
  'Properties of MQTT 5.0.',
)
export type MessageProperties = Static<typeof messageProperties>

export const topicQuery = object({ topic })
export const retainedMessage = object({
  ...keptProperties,
  payload: text('The payload in base64.'),
  properties: messageProperties,
})
export type RetainedMessage = Static<typeof retainedMessage>

export const purgeBody = object({
  filter,
  dryRun: flag('true: only says what would go.'),
})
export const purgeReply = object({
  dryRun: flag('Nothing was removed.'),
  count: integer('Messages that match (or matched).'),
  payloadBytes: integer('Bytes of their payloads.'),
  examples: list(text('Topic.'), 'The first 20.'),
})
export type PurgeReply = Static<typeof purgeReply>

export const aclQuery = object(
  {
    action: oneOf('What the client wants.', ['publish', 'subscribe', 'receive']),
    topic,
    clientId: text('Client id; absent: empty.', { maxLength: 65_535 }),
    username: text('User name; absent: anonymous.', { maxLength: 65_535 }),
    qos: integer('QoS.', { minimum: 0, maximum: 2, default: 0 }),
    retain: flag('With the retain flag.'),
    port: integer('Listener that the client comes in by; absent: the first one for MQTT.', {
      minimum: 0,
      maximum: 65_535,
    }),
  },
  ['clientId', 'username', 'qos', 'retain', 'port'],
)
export type AclQuery = Static<typeof aclQuery>

export const aclReply = object({
  allowed: flag('The answer.'),
  rule: nullable(text('The rule that decided; null: none did.')),
  file: nullable(text('File of the rule.')),
  line: nullable(integer('Line in that file.')),
  explanation: text('Why, in words.'),
})
export type AclReply = Static<typeof aclReply>

export const publishBody = object(
  {
    topic,
    payload: text('The payload; absent: empty, which clears a retained message.'),
    encoding: oneOf('What `payload` is; absent: utf8.', ['utf8', 'base64']),
    qos: integer('QoS.', { minimum: 0, maximum: 2, default: 0 }),
    retain: flag('To be retained.'),
    properties: messageProperties,
  },
  ['payload', 'encoding', 'qos', 'retain', 'properties'],
)
export type PublishBody = Static<typeof publishBody>
export const publishReply = object({
  receivers: integer('Subscriptions that took it. At QoS 1 and 2 it is stored when this is said.'),
})

export const batchBody = object({ messages: list(publishBody, 'Published in this order.', 1000) })
export const batchReply = object({
  published: integer('How many.'),
  receivers: integer('Subscriptions that took them, all together.'),
})
