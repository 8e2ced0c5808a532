/** One connection in its worker: the link, what it captured, what is subscribed, what is being sent. */
import { Capture, defaultLimits } from '../capture/capture.ts'
import { TreeView } from '../capture/tree-view.ts'
import { View } from '../capture/view.ts'
import { emptyProfile, type Profile, type Subscription } from '../model/profile.ts'
import type { Status, SubscriptionState, TreeRequest } from '../protocol/protocol.ts'
import type { Schema } from '../model/settings.ts'
import type { Outgoing } from '../publish/outgoing.ts'
import { Jobs } from './jobs.ts'
import type { Keeper } from './keeper.ts'
import { isLoginRefusal, type Incoming, type Link, type OpenLink, type Outcome } from './link.ts'
import { Rates } from './rates.ts'

const OFFLINE: Status = {
  kind: 'offline',
  code: null,
  problem: null,
  wasOnline: false,
  loginRefused: false,
  retryAtMs: null,
  onlineSinceMs: null,
  silentSinceMs: null,
  connack: null,
}

/** An answer that takes longer is worth a word. */
const SILENT_MS = 4000
/** While somebody looks a broker that says nothing for so long is asked whether it lives: keep alive takes a minute to tell. */
const QUIET_MS = 2000

/** Parts of the snapshot that may have changed. */
export type Part =
  'status' | 'stats' | 'subscriptions' | 'jobs' | 'view' | 'tree' | 'chart' | 'watched'

interface Held {
  readonly subscription: Subscription
  state: SubscriptionState['state']
  code: number
  reason: string
}

export class Session {
  readonly capture: Capture
  readonly view: View
  readonly tree: TreeView
  readonly rates = new Rates()
  readonly jobs: Jobs
  readonly dirty = new Set<Part>()
  profile: Profile = emptyProfile({ scheme: 'ws', host: '', port: 80, path: '' })
  schemas: Schema[] = []
  status: Status = OFFLINE
  treeRequest: TreeRequest | null = null
  watched: string | null = null
  /** The page is on a screen. */
  isSeen = true
  /** Keeps messages beyond this visit; null: nobody asked for that. */
  keeper: Keeper | null = null

  private readonly openLink: OpenLink
  private link: Link | null = null
  private readonly held = new Map<string, Held>()
  /** What the broker has still to answer, the oldest first, by the time it was asked. */
  private readonly unanswered = new Set<{ readonly atMs: number }>()
  private heardAtMs = 0

  constructor(openLink: OpenLink, keepBytes: number) {
    this.openLink = openLink
    this.capture = new Capture({ ...defaultLimits, bytesMax: keepBytes })
    this.view = new View(this.capture)
    this.tree = new TreeView(this.capture.topics)
    this.capture.onKept = (seq) => this.view.add(seq)
    this.jobs = new Jobs(
      (message) => this.publish(message),
      () => this.dirty.add('jobs'),
    )
  }

  configure(profile: Profile, schemas: Schema[]): void {
    this.profile = profile
    this.schemas = schemas
    this.capture.setSubscriptions(profile.subscriptions)
    this.capture.setSchemas(schemas)
    this.view.refilter()
    this.markAll()
    this.subscribeChanged()
  }

  connect(): void {
    this.disconnect()
    this.setStatus({ ...OFFLINE, kind: 'connecting' })
    try {
      this.link = this.openLink(this.profile, {
        online: (connack) => {
          this.heardAtMs = Date.now()
          this.setStatus({
            ...OFFLINE,
            kind: 'online',
            wasOnline: true,
            connack,
            onlineSinceMs: Date.now(),
          })
          this.subscribeChanged()
        },
        offline: (code, problem, retryInMs) => this.onOffline(code, problem, retryInMs),
        message: (message) => this.onMessage(message),
      })
    } catch (error) {
      this.setStatus({
        ...OFFLINE,
        problem: error instanceof Error ? error.message : String(error),
      })
    }
  }

  disconnect(): void {
    this.jobs.stopAll()
    this.link?.end()
    this.link = null
    this.held.clear()
    this.setStatus(OFFLINE)
  }

  /** Rejects when nothing can be sent now. */
  async publish(message: Outgoing): Promise<Outcome> {
    if (this.link === null || this.status.kind !== 'online') throw new Error('not connected')
    const answer = this.awaited(this.link.publish(message))
    const seq = this.capture.add({
      topic: message.topic,
      payload: message.payload,
      timeMs: Date.now(),
      outgoing: true,
      qos: message.qos,
      retain: message.retain,
      dup: false,
      properties: Object.keys(message.properties).length > 0 ? message.properties : null,
    })
    this.markMessages()
    const refused = () => {
      this.capture.refused(seq)
      this.markMessages()
    }
    answer.then(({ code }) => {
      if (code >= 0x80) refused()
    }, refused)
    return answer
  }

  subscriptionStates(): SubscriptionState[] {
    return this.profile.subscriptions.map(({ id }) => {
      const held = this.held.get(id)
      return {
        id,
        // The client makes subscriptions again by itself when it comes back.
        state: this.status.kind === 'online' ? (held?.state ?? 'off') : 'off',
        code: held?.code ?? 0,
        reason: held?.reason ?? '',
        messages: this.capture.messagesOf(id),
        perSecond: this.rates.of(id),
      }
    })
  }

  /** Removes one message from what is listed. */
  forget(seq: number): void {
    this.capture.ring.markGone(seq)
    this.keeper?.forget(seq)
    this.view.refilter()
    this.markAll()
  }

  clear(): void {
    this.capture.clear()
    this.keeper?.clear()
    this.view.clear()
    this.markAll()
  }

  markAll(): void {
    for (const part of [
      'status',
      'stats',
      'subscriptions',
      'jobs',
      'view',
      'tree',
      'chart',
      'watched',
    ] as const) {
      this.dirty.add(part)
    }
  }

  /** Notes since when the broker is silent, and asks one that is quiet; to be called every second. */
  listen(): void {
    if (this.status.kind !== 'online' || this.link === null) return
    const nowMs = Date.now()
    if (this.isSeen && this.unanswered.size === 0 && nowMs - this.heardAtMs >= QUIET_MS)
      this.awaited(this.link.ping()).catch(() => {})
    const [oldest] = this.unanswered
    const sinceMs = Math.max(this.heardAtMs, oldest?.atMs ?? Infinity)
    const silentSinceMs = nowMs - sinceMs > SILENT_MS ? sinceMs : null
    if (silentSinceMs !== this.status.silentSinceMs)
      this.setStatus({ ...this.status, silentSinceMs })
  }

  private awaited<T>(answer: Promise<T>): Promise<T> {
    const asked = { atMs: Date.now() }
    this.unanswered.add(asked)
    const done = () => {
      this.unanswered.delete(asked)
      this.heardAtMs = Date.now()
    }
    answer.then(done, done)
    return answer
  }

  private onMessage(message: Incoming): void {
    const timeMs = Date.now()
    this.heardAtMs = timeMs
    this.capture.add({
      topic: message.topic,
      payload: message.payload,
      timeMs,
      outgoing: false,
      qos: message.qos,
      retain: message.retain,
      dup: message.dup,
      packetId: message.packetId,
      properties: hasProperties(message) ? message.properties : null,
      by: message.by,
    })
    this.markMessages()
  }

  private markMessages(): void {
    const { dirty } = this
    if (dirty.has('view')) return
    for (const part of ['view', 'tree', 'chart', 'watched'] as const) dirty.add(part)
  }

  private onOffline(code: number | null, problem: string | null, retryInMs: number | null): void {
    if (retryInMs === null) {
      this.link = null
      this.held.clear()
    }
    this.setStatus({
      ...OFFLINE,
      kind: retryInMs === null ? 'offline' : 'waiting',
      code,
      problem,
      wasOnline: this.status.wasOnline,
      loginRefused: retryInMs === null && isLoginRefusal(code),
      retryAtMs: retryInMs === null ? null : Date.now() + retryInMs,
    })
  }

  private setStatus(status: Status): void {
    this.status = status
    this.dirty.add('status').add('subscriptions')
  }

  /** Brings what the broker has in line with what is wanted. */
  private subscribeChanged(): void {
    if (this.status.kind !== 'online' || this.link === null) return
    const wanted = this.profile.subscriptions.filter(({ enabled }) => enabled)
    const filters = new Set(wanted.map(({ filter }) => filter))
    for (const [id, { subscription }] of this.held) {
      const same = wanted.find((other) => other.id === id && sameOnTheWire(other, subscription))
      if (same !== undefined) continue
      this.held.delete(id)
      if (!filters.has(subscription.filter)) {
        this.link.unsubscribe(subscription.filter).catch(() => {})
      }
    }
    for (const subscription of wanted) {
      if (!this.held.has(subscription.id)) void this.subscribe(this.link, subscription)
    }
    this.dirty.add('subscriptions')
  }

  private async subscribe(link: Link, subscription: Subscription): Promise<void> {
    const held: Held = { subscription, state: 'pending', code: 0, reason: '' }
    this.held.set(subscription.id, held)
    try {
      const { code, reason } = await this.awaited(link.subscribe(subscription))
      Object.assign(held, { state: code < 0x80 ? 'granted' : 'refused', code, reason })
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      Object.assign(held, { state: 'refused', code: 0x80, reason })
    }
    this.dirty.add('subscriptions')
  }
}

function hasProperties({ properties }: Incoming): boolean {
  for (const name in properties) if (Object.hasOwn(properties, name)) return true
  return false
}

/** Whether SUBSCRIBE would say the same for both. */
function sameOnTheWire(a: Subscription, b: Subscription): boolean {
  const said = ({
    filter,
    qos,
    noLocal,
    retainAsPublished,
    retainHandling,
    identifier,
    userProperties,
  }: Subscription) =>
    JSON.stringify([
      filter,
      qos,
      noLocal,
      retainAsPublished,
      retainHandling,
      identifier,
      userProperties,
    ])
  return said(a) === said(b)
}
