/**
 * One bridge, from its start to its end.
 *
 *     prepare ─▶ waiting ◀───────────────────────────────┐
 *                  │ now, or a lazy one has work          │ after restart_timeout
 *                  ▼                                      │
 *              connecting ─▶ subscribed there ─▶ here ─▶ up ─▶ lost, cut, idle
 *                  └──────────────── failed ──────────────┴──▶ stopped: `once`, paused, closed
 *
 * `prepare` makes the local session before any client is let in, so that no message is published that the bridge
 * would have had to keep.
 */
import { Reason } from '../codec/reason-codes.ts'
import type { TimerHandle } from '../client/ports.ts'
import type { BridgeState, BridgeStatus } from '../ports/bridge-status.ts'
import { Backoff } from './backoff.ts'
import { InStep } from './in-step.ts'
import { LazyWatch, mayBring } from './lazy-watch.ts'
import { LocalEnd } from './local-end.ts'
import type { BridgePorts } from './local-broker.ts'
import { Preparation } from './preparation.ts'
import { PrimaryWatch } from './primary-watch.ts'
import { Relay, type RelayCounts } from './relay.ts'
import { speechOf, type RemoteInfo, type Speech } from './greeting.ts'
import { RemoteEnd, type RemoteEnding } from './remote-end.ts'
import type { BridgeSettings } from './settings.ts'
import { Telling } from './telling.ts'
import { TopicMap } from './topic-map.ts'

/** One connection, made with the settings of its time: a lazy change leaves it as it is. */
interface Ends {
  readonly settings: BridgeSettings
  /** Its name. */
  readonly address: string
  readonly topics: TopicMap
  readonly remote: RemoteEnd
  readonly relay: Relay
  local: LocalEnd | null
}

export class Bridge {
  private settings: BridgeSettings
  private topics: TopicMap
  private readonly ports: BridgePorts
  private readonly backoff: Backoff
  private readonly counts: RelayCounts = { sent: 0, received: 0, dropped: 0 }
  private state: BridgeState = 'waiting'
  private ends: Ends | null = null
  /** Counts restarts: what an older one began does not start anything. */
  private restarts = 0
  private addressIndex = 0
  /** What the remote at this address understands. */
  private speech: Speech
  private connects = 0
  /** Nothing has crossed since the local session began. */
  private isLocalNew: boolean
  /** Topic lines changed: what is retained has not been said of all of them. */
  private areTopicsNew = false
  /** A client here waits for what a lazy bridge brings. */
  private isWanted = false
  private upSinceMs: number | null = null
  private reconnectAtMs: number | null = null
  private timer: TimerHandle | null = null
  private stableTimer: TimerHandle | null = null
  private readonly telling: Telling
  private readonly preparation: Preparation
  private readonly inStep: InStep
  private readonly lazy: LazyWatch
  private readonly primary: PrimaryWatch

  constructor(settings: BridgeSettings, ports: BridgePorts) {
    this.settings = settings
    this.ports = ports
    this.topics = new TopicMap(settings.topics)
    this.backoff = new Backoff(ports.runtime.random)
    this.isLocalNew = settings.localCleanSession
    this.inStep = new InStep(settings)
    this.speech = speechOf(settings)
    this.telling = new Telling(settings.name, ports)
    this.preparation = new Preparation(ports, this.telling, () => this.localIsNew())
    this.lazy = new LazyWatch(ports.broker, ports.runtime)
    this.primary = new PrimaryWatch(ports.runtime, (speech) => this.backToFirst(speech))
  }

  get name(): string {
    return this.settings.name
  }

  status(): BridgeStatus {
    const { settings, counts } = this
    return {
      name: settings.name,
      state: this.state,
      address: this.ends?.address ?? settings.addresses[this.addressIndex]?.name ?? '',
      remoteClientId: settings.remoteClientId,
      localClientId: settings.localClientId,
      queued: this.ports.broker.queuedFor(settings.localClientId),
      ...counts,
      connects: this.connects,
      upSinceMs: this.upSinceMs,
      lastError: this.telling.lastError,
      lastErrorMs: this.telling.lastErrorMs,
      reconnectAtMs: this.reconnectAtMs,
    }
  }

  /** Makes the local session with its subscriptions; then calls `done`. */
  prepare(done: () => void): void {
    this.tell('0')
    this.preparation.run(this.settings, this.topics, done)
  }

  private localIsNew(): void {
    this.isLocalNew = true
    this.inStep.localIsNew()
  }

  /** Connects, or waits for a reason to; unless it does already, or must not. */
  start(): void {
    if (this.state !== 'waiting') return
    if (this.settings.startType !== 'lazy' || this.isWanted) this.connect()
    else {
      this.stopTimers()
      this.wakeWhenQueued()
    }
  }

  /** {@link prepare}, then {@link start}, if nothing else was decided meanwhile. */
  restart(prepared: () => void = () => {}): void {
    const restart = ++this.restarts
    this.prepare(() => {
      prepared()
      if (restart === this.restarts) this.start()
    })
  }

  /** Disconnects and stays so until {@link resume}; what is to cross is kept. */
  pause(): void {
    if (this.state === 'paused') return
    this.telling.note(' paused.')
    this.leave()
    this.state = 'paused'
  }

  resume(): void {
    if (this.state !== 'paused') return
    this.telling.note(' resumed.')
    this.state = 'waiting'
    this.backoff.reset()
    this.start()
  }

  /** Ends the bridge. `forget`: its session too, with all that is to cross. */
  close(forget: boolean): void {
    this.leave()
    this.state = 'stopped'
    this.preparation.end('bridge closed')
    if (forget) this.ports.broker.forget(this.settings.localClientId)
  }

  /** Other settings of the same local session: for the next connection, or for one made now; then calls `prepared`. */
  change(settings: BridgeSettings, immediate: boolean, prepared: () => void = () => {}): void {
    this.areTopicsNew ||= JSON.stringify(settings.topics) !== JSON.stringify(this.settings.topics)
    this.settings = settings
    this.topics = new TopicMap(settings.topics)
    this.backoff.reset()
    this.primary.reset()
    if (this.ends !== null && !immediate) return prepared()
    this.leave()
    this.fromFirst()
    if (this.state === 'paused') return this.prepare(prepared)
    this.state = 'waiting'
    this.restart(prepared)
  }

  /** A client here subscribed to `filter`: a lazy bridge that could bring it something connects. */
  subscribedHere(filter: string): void {
    if (this.settings.startType !== 'lazy' || this.state !== 'waiting') return
    if (!mayBring(this.settings.topics, filter)) return
    this.isWanted = true
    // After a failure it waits its time: clients cannot hurry it.
    if (this.reconnectAtMs === null) this.connect()
  }

  // ── connecting ──

  private connect(): void {
    this.stopTimers()
    const { settings, topics, ports } = this
    const address = settings.addresses[this.addressIndex]
    this.state = 'connecting'
    this.telling.connecting(address.name)
    const remote = new RemoteEnd(settings, topics, this.speech, ports.runtime, address.dial, {
      ready: (info) => this.subscribedThere(info),
      frame: (first, bytes, start, bodyStart, end) =>
        relay.takeRemote(first, bytes, start, bodyStart, end),
      isUnderWay: (packetId) => ports.broker.isUnderWay(settings.localClientId, packetId),
      mayHold: () => ports.broker.queuedFor(settings.localClientId) > 0,
      warn: (text) => this.telling.warn(text),
      chunkDone: () => relay.handOver(),
      drained: () => this.ends?.local?.drained(),
      ended: (ending) => this.lost(ending),
    })
    const relay = new Relay(settings, topics, remote, this.counts, ports.runtime, {
      cut: (why) => remote.fail(why, Reason.quotaExceeded),
      warn: (text) => this.telling.warn(text),
      crossed: () => this.lazy.crossed(),
    })
    this.ends = { settings, address: address.name, topics, remote, relay, local: null }
  }

  /** The remote is ready for us. Identifiers that it may still hold are freed before the local side comes in. */
  private subscribedThere(info: RemoteInfo): void {
    const { ends, inStep } = this
    if (ends === null) return
    const { settings, address, relay } = ends
    relay.openRemote(info)
    if (!info.sessionPresent) inStep.remoteIsFree(address)
    const isFree = inStep.isFreeAt(address) && !settings.localCleanSession
    if (isFree || !relay.mayCollide || !inStep.bearsSweep(address))
      return this.enterHere(ends, info)
    relay.freeIdentifiers((isWhole) => {
      if (!isWhole) this.telling.warn('the remote leaves PUBREL unanswered')
      inStep.remoteIsFree(address)
      this.enterHere(ends, info)
    })
  }

  /** The local side comes in. */
  private enterHere(ends: Ends, info: RemoteInfo): void {
    const { settings, topics, relay, remote } = ends
    // What is retained was said when the sessions began; since then every change has crossed, and to say it again
    // could undo a newer one.
    const isNews = !info.sessionPresent || this.isLocalNew || this.areTopicsNew
    const options = {
      settings,
      filters: topics.localFilters,
      wantsRetained: isNews,
      receiveMaximum: Math.min(info.receiveMaximum, settings.inflightMax),
    }
    const { broker, runtime } = this.ports
    ends.local = new LocalEnd(broker, runtime, options, {
      began: (sessionPresent) => {
        if (!sessionPresent && !settings.localCleanSession) this.lostHere(ends)
      },
      ready: (sessionPresent) => this.up(ends, info, sessionPresent),
      frame: (first, bytes, start, bodyStart, end) =>
        relay.takeLocal(first, bytes, start, bodyStart, end),
      isFull: () => remote.isFull,
      pause: () => remote.pause(),
      resume: () => remote.resume(),
      closed: (why) => remote.fail(why, Reason.implementationSpecificError),
      refused: (filter, why) => this.telling.unsubscribed(filter, why),
    })
    ends.local.open()
  }

  /** The local session has ended since it was prepared: where that matters, the next connection sweeps first. */
  private lostHere({ relay, remote }: Ends): void {
    this.localIsNew()
    if (!relay.mayCollide) return
    this.ports.runtime.soon(() =>
      remote.fail('the local session was lost', Reason.implementationSpecificError),
    )
  }

  private up(ends: Ends, info: RemoteInfo, localPresent: boolean): void {
    const { ports } = this
    const { settings, address, relay, local } = ends
    if (this.ends !== ends || local === null) return
    const isOther = this.inStep.holdsFrom(address)
    if (localPresent && (isOther || !info.sessionPresent))
      relay.releaseUnreleased(local, ports.broker.unreleasedOf(settings.localClientId))
    relay.openLocal(local)
    this.state = 'up'
    this.connects++
    this.isLocalNew = settings.localCleanSession
    if (ends.topics === this.topics) this.areTopicsNew = false
    this.isWanted = false
    this.upSinceMs = ports.wallMs()
    this.lazy.crossed()
    this.telling.note(` connected to ${this.status().address}.`)
    this.tell('1')
    this.stableTimer = ports.runtime.setTimer(settings.restart.stableMs, () => this.held())
    if (settings.startType === 'lazy') this.leaveWhenIdle()
    if (this.addressIndex > 0 && !settings.roundRobin) this.primary.begin(settings)
  }

  /** The connection has lasted. */
  private held(): void {
    this.backoff.reset()
    if (this.addressIndex === 0) this.primary.reset()
  }

  // ── ending ──

  private lost({ why, lesser }: RemoteEnding): void {
    const { ends } = this
    const wasUp = this.state === 'up'
    const isAtOnce = lesser !== null || this.primary.hasTakenOver()
    this.telling.fault(why)
    if (ends?.relay.sweepsInVain && this.inStep.leftSweep(ends.address))
      this.telling.warn('the remote closes over PUBREL: what it holds at QoS 2 is not freed')
    this.forgetEnds(why)
    if (wasUp) this.tell('0')
    if (!isAtOnce && this.settings.startType === 'once') {
      this.state = 'stopped'
      return
    }
    this.state = 'waiting'
    if (ends?.settings !== this.settings) this.fromFirst()
    else if (lesser !== null) this.speech = lesser
    else this.nextAddress(wasUp)
    const delayMs = isAtOnce ? 1 : this.backoff.nextMs(this.settings.restart)
    this.reconnectAtMs = this.ports.wallMs() + delayMs
    this.timer = this.ports.runtime.setTimer(delayMs, () => this.start())
  }

  private nextAddress(wasUp: boolean): void {
    const { addresses, roundRobin } = this.settings
    const next = (this.addressIndex + 1) % addresses.length
    this.useAddress(wasUp && !roundRobin ? 0 : next)
  }

  private fromFirst(): void {
    this.addressIndex = 0
    this.speech = speechOf(this.settings)
  }

  /** Of another address nobody knows yet what it understands. */
  private useAddress(index: number): void {
    if (index !== this.addressIndex) this.speech = speechOf(this.settings)
    this.addressIndex = index
  }

  private forgetEnds(why: string): void {
    const { ends } = this
    this.ends = null
    this.upSinceMs = null
    this.stopTimers()
    ends?.relay.end()
    ends?.local?.close(why)
  }

  /** Says good-bye, where there is someone to say it to. */
  private leave(): void {
    const wasUp = this.state === 'up'
    this.ends?.remote.close()
    this.forgetEnds('bridge closed')
    if (wasUp) this.tell('0')
  }

  private stopTimers(): void {
    const { runtime } = this.ports
    for (const timer of [this.timer, this.stableTimer])
      if (timer !== null) runtime.clearTimer(timer)
    this.timer = this.stableTimer = null
    this.reconnectAtMs = null
    this.lazy.end()
    this.primary.end()
  }

  // ── coming and going ──

  private wakeWhenQueued(): void {
    this.lazy.untilQueued(
      () => this.settings,
      () => this.connect(),
    )
  }

  private leaveWhenIdle(): void {
    this.lazy.untilIdle(
      () => this.settings,
      () => {
        this.telling.note(' is idle, disconnecting.')
        this.leave()
        this.state = 'waiting'
        this.start()
      },
    )
  }

  private backToFirst(speech: Speech): void {
    this.telling.note(' goes back to its first address.')
    const isAsAsked = this.ends?.settings === this.settings
    this.leave()
    this.fromFirst()
    if (isAsAsked) this.speech = speech
    this.connect()
  }

  /** The notification on our side. */
  private tell(state: '0' | '1'): void {
    this.telling.state(this.ends?.settings ?? this.settings, state)
  }
}
