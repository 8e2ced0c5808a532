/** What a bridge says on our side of how it is: in the log, to who watches its topic, to operators. */
import { LogType, type LogTypeBit } from '../base/log.ts'
import type { BridgePorts } from './local-broker.ts'
import type { BridgeSettings } from './settings.ts'

const WARNINGS_APART_MS = 10_000

const encoder = new TextEncoder()

export class Telling {
  lastError: string | null = null
  lastErrorMs: number | null = null
  private readonly name: string
  private readonly ports: BridgePorts
  /** Where the last notification is. */
  private toldTopic: string | null = null
  private lastWarningMs = -Infinity

  constructor(name: string, ports: BridgePorts) {
    this.name = name
    this.ports = ports
  }

  /** The notification; if its place has changed, `0` is said at the old one. */
  state({ notifications, notificationTopic }: BridgeSettings, state: '0' | '1'): void {
    const topic = state === '0' ? (this.toldTopic ?? notificationTopic) : notificationTopic
    if (!notifications && this.toldTopic === null) return
    this.toldTopic = null
    if (state === '1') this.toldTopic = topic
    this.ports.broker.publish(topic, encoder.encode(state), { qos: 1, retain: true })
  }

  fault(why: string): void {
    this.lastError = why
    this.lastErrorMs = this.ports.wallMs()
    this.note(`: ${why}`)
  }

  /** One in a while: a topic that does not fit comes a thousand times. */
  warn(text: string): void {
    const nowMs = this.ports.runtime.monotonicMs()
    if (nowMs - this.lastWarningMs < WARNINGS_APART_MS) return
    this.lastWarningMs = nowMs
    this.write(LogType.warning, `Warning: bridge ${this.name}: ${text}.`)
  }

  /** The broker has no room for one of its subscriptions. */
  unsubscribed(filter: string, why: string): void {
    this.warn(`not subscribed to "${filter}" here yet, what goes there does not cross: ${why}`)
  }

  /** `what`: behind the bridge's name. */
  note(what: string): void {
    this.write(LogType.notice, `Bridge ${this.name}${what}`)
  }

  connecting(address: string): void {
    this.write(LogType.notice, `Connecting bridge ${this.name} (${address})`)
  }

  private write(type: LogTypeBit, text: string): void {
    const { log } = this.ports
    if (log.mask & type) log.write(type, text, { event: 'bridge', bridge: this.name })
  }
}
