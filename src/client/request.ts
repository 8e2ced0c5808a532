/** Request and response (MQTT 5.0, 4.10): a response topic of this client, and correlation data for each request. */
import { namesOf } from '../base/option-names.ts'
import type { Properties, Qos } from '../codec/packets.ts'
import { onAbort } from './abort.ts'
import { checkNames } from './check-names.ts'
import { MqttError } from './errors.ts'
import type { Message } from './message.ts'
import type { Core } from './model.ts'
import { publish } from './publishing.ts'
import { subscribeWith } from './subscription.ts'

export interface RequestOptions {
  /** Of the request and its response. Absent: 1. */
  qos?: Qos
  properties?: Properties
  /** Absent: one that the client makes for itself, by the server's response information if it gave any. */
  responseTopic?: string
  /** Absent: 10,000. */
  timeoutMs?: number
  signal?: AbortSignal
}

const NAMES = namesOf<RequestOptions>({
  qos: true,
  properties: true,
  responseTopic: true,
  timeoutMs: true,
  signal: true,
})
const TIMEOUT_MS = 10_000
const NONCE_BYTES = 8

interface Pending {
  resolve(message: Message): void
  reject(error: Error): void
}

/** The requests of one client that wait for their response. */
export class Requests {
  private readonly core: Core
  private readonly nonce = new Uint8Array(NONCE_BYTES)
  private readonly pending = new Map<string, Pending>()
  private readonly topics = new Map<string, Promise<unknown>>()
  private count = 0

  constructor(core: Core) {
    this.core = core
    core.runtime.random.fill(this.nonce)
    core.events.on('end', (error) => {
      const rejection = error ?? new MqttError('ENDED', 'the client has ended')
      for (const { reject } of this.pending.values()) reject(rejection)
      this.pending.clear()
    })
  }

  async send(
    topic: string,
    payload: string | Uint8Array,
    options: RequestOptions,
  ): Promise<Message> {
    const { core } = this
    if (core.settings.version < 5)
      throw new MqttError('UNSUPPORTED', 'requests need MQTT 5.0: MQTT 3 has no response topic')
    checkNames('', options, NAMES)
    const { qos = 1 } = options
    options.signal?.throwIfAborted()
    const responseTopic = options.responseTopic ?? this.ownTopic()
    const correlationData = this.nextCorrelation()
    const properties = { ...options.properties, responseTopic, correlationData }
    const key = keyOf(correlationData)
    const over = new AbortController()
    const { signal } = over
    // From here on: without a connection neither the subscription nor the request would have an end.
    const answer = this.wait(key, options, over)
    this.listen(responseTopic, qos)
      .then(async () => {
        if (!signal.aborted) await publish(core, topic, payload, { qos, properties, signal })
      })
      .catch((error: unknown) => this.pending.get(key)?.reject(error as Error))
    return answer
  }

  /** [MQTT-3.2.2.3.15]: what the server gave is the start of topics that only this client may read. */
  private ownTopic(): string {
    const { core, nonce } = this
    const base = core.info?.properties.responseInformation ?? 'mozzie/response'
    return `${base}/${keyOf(nonce)}`
  }

  private listen(topic: string, qos: Qos): Promise<unknown> {
    const known = this.topics.get(topic)
    if (known !== undefined) return known
    const take = (message: Message): void => this.take(message)
    // Refused, at once or when it was made again for a new session: the next request asks for it anew.
    const made = subscribeWith(this.core, topic, { qos }, take, () => this.topics.delete(topic))
    this.topics.set(topic, made)
    made.catch(() => this.topics.delete(topic))
    return made
  }

  private take(message: Message): void {
    const { correlationData } = message.properties
    if (correlationData !== undefined) this.pending.get(keyOf(correlationData))?.resolve(message)
  }

  private nextCorrelation(): Uint8Array {
    const data = new Uint8Array(NONCE_BYTES + 4)
    data.set(this.nonce)
    new DataView(data.buffer).setUint32(NONCE_BYTES, ++this.count)
    return data
  }

  /** @param over Aborted when nobody waits any more: a request that was not sent yet is not sent then. */
  private wait(
    key: string,
    { timeoutMs = TIMEOUT_MS, signal }: RequestOptions,
    over: AbortController,
  ): Promise<Message> {
    const { runtime } = this.core
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        runtime.clearTimer(timer)
        stop?.()
        this.pending.delete(key)
      }
      const fail = (error: Error): void => {
        settle()
        reject(error)
        over.abort(error)
      }
      const timer = runtime.setTimer(timeoutMs, () =>
        fail(new MqttError('TIMEOUT', `no response within ${timeoutMs} ms`)),
      )
      const stop = signal && onAbort(signal, () => fail(signal.reason as Error))
      const succeed = (message: Message): void => {
        settle()
        resolve(message)
      }
      this.pending.set(key, { resolve: succeed, reject: fail })
    })
  }
}

function keyOf(data: Uint8Array): string {
  let key = ''
  for (const byte of data) key += byte.toString(16).padStart(2, '0')
  return key
}
