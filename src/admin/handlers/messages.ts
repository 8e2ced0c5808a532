/** Messages: publishing, and what is retained. */
import type { Message } from '../../ports/message.ts'
import { EncodeError } from '../../codec/encode-error.ts'
import { checkMessage } from '../../codec/message-check.ts'
import type { Properties, Qos } from '../../codec/packets.ts'
import { Reason, reasonText } from '../../codec/reason-codes.ts'
import type { RetainedWalk } from '../../broker/inspect.ts'
import type { Caller } from '../callers.ts'
import { isReserved } from '../../topics/reserved.ts'
import { HttpError } from '../http-error.ts'
import { holds, nextTurn, PageCollector, scanning } from '../scan.ts'
import { base64, keptFacts, rowOf } from '../kept-row.ts'
import type { MessageProperties, PublishBody } from '../schemas-clients.ts'
import { checkFilter, checkTopic } from './clients.ts'
import type { Handlers, HandlerWorld } from './handler.ts'

type MessageHandlers = Pick<
  Handlers,
  'retained' | 'retainedMessage' | 'retainedDelete' | 'retainedPurge' | 'publish' | 'publishBatch'
>

const NODES_PER_TURN = 5000
const EXAMPLES_MAX = 20
/** A store that has not answered by then will not. */
const SAFE_MS_MAX = 10_000

export function messageHandlers(world: HandlerWorld): MessageHandlers {
  const { admin } = world
  const { inspector, source } = admin
  const { broker } = source
  return {
    async retained({ query }) {
      const { filter = '#', q = '' } = query
      checkFilter(filter)
      const wanted = q.toLowerCase()
      const collector = new PageCollector<readonly [string, Message]>(query)
      await walk(inspector.retained(filter), (message) => {
        const { topicName } = message
        if (holds(wanted, topicName)) collector.add([topicName, message])
      })
      const page = collector.page()
      return { ...page, items: page.items.map(([topic, message]) => rowOf(topic, message)) }
    },
    retainedMessage({ query: { topic } }) {
      const message = inspector.retainedOf(topic)
      if (message === undefined) throw new HttpError(404, `Nothing is retained for "${topic}".`)
      return {
        ...keptFacts(topic, message),
        payload: base64(message.payloadBytes()),
        properties: propertiesFrom(inspector.propertiesOf(message)),
      }
    },
    retainedDelete: ({ query: { topic } }) => ({ done: broker.dropRetained(topic) }),
    async retainedPurge({ body: { filter, dryRun } }) {
      checkFilter(filter)
      let count = 0
      let payloadBytes = 0
      const examples: string[] = []
      await walk(inspector.retained(filter), ({ topicName, payloadLength }) => {
        count++
        payloadBytes += payloadLength
        if (examples.length < EXAMPLES_MAX) examples.push(topicName)
        if (!dryRun) broker.dropRetained(topicName)
      })
      return { dryRun, count, payloadBytes, examples }
    },
    async publish({ body, caller }) {
      await check(world, caller, body)
      const receivers = send(world, caller, body)
      await untilSafe(world, [body])
      return { receivers }
    },
    async publishBatch({ body: { messages }, caller }) {
      for (const message of messages) await check(world, caller, message)
      let receivers = 0
      for (const [index, message] of messages.entries()) {
        receivers += send(world, caller, message)
        if (index % 100 === 99) await nextTurn()
      }
      await untilSafe(world, messages)
      return { published: messages.length, receivers }
    },
  }
}

/** Goes through all that match, a portion a turn. */
function walk(retained: RetainedWalk, visit: (message: Message) => void): Promise<void> {
  return scanning(async () => {
    while (retained.next(NODES_PER_TURN, visit)) await nextTurn()
  })
}

/** @throws HttpError for what the broker would refuse a client. */
async function check({ admin }: HandlerWorld, { who }: Caller, body: PublishBody): Promise<void> {
  const { qos = 0, retain = false } = body
  checkTopic('topic', body.topic)
  const topic = admin.source.broker.targetOf(body.topic)
  const bytes = bytesOf(body)
  checkWellFormed(body, bytes)
  if (isReserved(topic))
    throw new HttpError(403, "topic: $SYS, $CONTROL and $share are the broker's own.")
  const { auth, broker } = admin.source
  const { publish } = auth
  if (who !== null && publish !== null && !(await publish(who, topic, qos as Qos, retain)))
    throw new HttpError(403, `The access rules do not let you publish to "${topic}".`)
  const refusal = broker.publishRefusal(body.topic, bytes.length, retain)
  if (refusal !== 0)
    throw new HttpError(STATUS_OF.get(refusal) ?? 507, `${reasonText(refusal)}: "${topic}".`)
}

const STATUS_OF = new Map<number, number>([
  [Reason.topicNameInvalid, 400],
  [Reason.packetTooLarge, 413],
  [Reason.serverBusy, 503],
])

/** @throws HttpError 400 for a message that would break the connection of whoever is sent it. */
function checkWellFormed(body: PublishBody, payload: Uint8Array): void {
  const { topic, qos = 0, retain = false, encoding, properties = {} } = body
  if (encoding === 'base64') checkBase64('payload', body.payload ?? '')
  else if (body.payload !== undefined && !isWellFormed(body.payload))
    throw new HttpError(400, 'payload: text holds half of a surrogate pair.')
  if (properties.correlationData !== undefined)
    checkBase64('correlationData', properties.correlationData)
  try {
    checkMessage({ topic, payload, qos: qos as Qos, retain, properties: propertiesTo(properties) })
  } catch (error) {
    if (error instanceof EncodeError) throw new HttpError(400, `${error.message}.`)
    throw error
  }
}

/** Not the Buffer itself: small ones share an array with others. */
function bytesOf({ payload = '', encoding = 'utf8' }: PublishBody): Uint8Array {
  return new Uint8Array(Buffer.from(payload, encoding))
}

/** Half of a pair has no UTF-8: another character would be sent in its place. */
function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text)
}

function checkBase64(name: string, text: string): void {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0)
    throw new HttpError(400, `${name}: this is no base64.`)
}

function send({ admin }: HandlerWorld, { who }: Caller, body: PublishBody): number {
  const { topic, qos = 0, retain = false, properties = {} } = body
  return admin.source.broker.publish(topic, bytesOf(body), {
    qos: qos as Qos,
    retain,
    properties: propertiesTo(properties),
    publisherUser: who?.username ?? null,
  })
}

/** What was published at QoS 1 and 2, or to be retained, is said to be so when the store has it. */
function untilSafe({ admin }: HandlerWorld, messages: readonly PublishBody[]): Promise<void> {
  if (!messages.some(({ qos = 0, retain = false }) => qos > 0 || retain)) return Promise.resolve()
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new HttpError(503, 'The store did not confirm the message in time.')),
      SAFE_MS_MAX,
    )
    admin.source.broker.whenSafe((safe) => {
      clearTimeout(timer)
      if (safe) resolve()
      else reject(new HttpError(507, 'The broker has no space to store the message.'))
    })
  })
}

function propertiesTo(given: MessageProperties): Properties {
  const { correlationData, userProperties, ...rest } = given
  return {
    ...rest,
    ...(correlationData === undefined
      ? {}
      : { correlationData: new Uint8Array(Buffer.from(correlationData, 'base64')) }),
    ...(userProperties === undefined
      ? {}
      : { userProperties: userProperties as [string, string][] }),
  }
}

function propertiesFrom(properties: Properties): MessageProperties {
  const { payloadFormat, messageExpirySeconds, contentType, responseTopic } = properties
  const { correlationData, userProperties } = properties
  const all = {
    payloadFormat,
    messageExpirySeconds,
    contentType,
    responseTopic,
    correlationData: correlationData === undefined ? undefined : base64(correlationData),
    userProperties,
  }
  return Object.fromEntries(
    Object.entries(all).filter(([, value]) => value !== undefined),
  ) as MessageProperties
}
