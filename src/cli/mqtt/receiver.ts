/** What sub does with each message: leave it, print it, count it. */
import type { Message } from '../../client/message.ts'
import { matches } from '../../topics/names.ts'
import { executorOf, type Executor } from './exec.ts'
import { messagePrinter } from './message-printer.ts'
import { FORMAT_NAMES, type Convert } from './payload-format.ts'
import type { Settings } from './settings.ts'
import { wallTime } from './shown-message.ts'
import type { StandardOutput } from './standard-output.ts'

/** Of a message that is not wanted any more: it stays unacknowledged, and so with the broker. */
const never = new Promise<void>(() => {})

export interface ReceiverEvents {
  /** Enough has been printed. */
  enough(): void
  /** `--remove-retained` */
  removeRetained(topic: string): void
}

export class Receiver {
  private readonly settings: Settings
  private readonly out: StandardOutput
  private readonly convert: Convert
  private readonly events: ReceiverEvents
  private readonly print: ReturnType<typeof messagePrinter>
  private readonly executor: Executor | null
  private isOpen = true
  private printed = 0
  private counted = 0

  /** @param convert Makes what is printed of what came. */
  constructor(settings: Settings, out: StandardOutput, convert: Convert, events: ReceiverEvents) {
    this.settings = settings
    this.out = out
    this.convert = convert
    this.events = events
    this.print = messagePrinter(settings)
    const { command } = settings
    this.executor = command === null ? null : executorOf(command, (line) => out.error(line))
  }

  /** Messages since the last time that somebody asked. */
  takeCount(): number {
    const { counted } = this
    this.counted = 0
    return counted
  }

  /** Nothing is printed, or acknowledged, from here on. */
  close(): void {
    this.isOpen = false
  }

  take(message: Message): void | Promise<void> {
    if (!this.isOpen) return never
    const { settings } = this
    const { retain, topic } = message
    if (settings.retainedOnly && !retain) {
      this.stop()
      return never
    }
    if (retain && settings.noRetained) return
    if (settings.filtersOut.some((filter) => matches(filter, topic))) return
    if (retain && settings.removeRetained) this.events.removeRetained(topic)
    if (settings.randomFilter < 100 && Math.random() * 100 >= settings.randomFilter) return
    const shown = this.show(message)
    if (++this.printed === settings.messageCountMax) this.stop()
    return shown
  }

  /** Resolves when what was begun for messages is done. */
  idle(): Promise<void> {
    return this.executor?.idle() ?? Promise.resolve()
  }

  private stop(): void {
    this.isOpen = false
    this.events.enough()
  }

  private show({
    topic,
    payload,
    qos,
    retain,
    packetId,
    properties,
  }: Message): void | Promise<void> {
    if (this.settings.messageRate) {
      this.counted++
      return
    }
    let shown = payload
    try {
      if (payload.length > 0) shown = this.convert(payload)
    } catch {
      const name = FORMAT_NAMES[this.settings.payloadFormat]
      this.out.error(`Error: Message payload is not valid ${name} on topic ${topic}.`)
      return
    }
    const receivedAt = wallTime()
    const one = { topic, payload, shown, qos, retain, packetId, properties, receivedAt }
    if (this.executor !== null) return this.executor.run(one)
    this.print(this.out, one)
  }
}
