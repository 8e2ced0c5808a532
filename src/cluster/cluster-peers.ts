/**
 * The Peers port over NATS: interest of all nodes in the memory of each, messages straight to the nodes that want them, and a
 * barrier that every live node has to pass.
 */
import { LogType } from '../base/log.ts'
import type { Message } from '../ports/message.ts'
import type { Interest, PeerClaim, Peers, PeersEvents, PeerWill } from '../ports/peers.ts'
import { readMessage, RecordReader, writeMessage, writeText } from '../store/level/records.ts'
import { knowSession } from './claims.ts'
import { Clients } from './clients.ts'
import type { ClusterNode } from './cluster-node.ts'
import type { Failure } from './failures.ts'
import { Interests } from './interests.ts'
import { LeftWills } from './left-wills.ts'
import type { NodeView } from './node-report.ts'
import { openParcel, Parcels } from './parcels.ts'
import { restWills } from './resting-wills.ts'
import { Wills } from './wills.ts'
import { pause } from './wire.ts'

const ASK_MS = 1000
/** That there is no room for wills is not said more often than this. */
const UNSTORED_SAID_MS = 10_000
const PLAIN = 1
const GROUP_ONLY = 0

/** What a node asks of another in a barrier: to know as much as it does. */
interface BarrierQuestion {
  readonly node: string
  readonly run: string
  /** Of its last change of interest. */
  readonly interests: number
  /** Of its last row in the stream of sessions. */
  readonly sessions: number
}

const decoder = new TextDecoder()
const encoder = new TextEncoder()

export class ClusterPeers implements Peers {
  private readonly node: ClusterNode
  private events: PeersEvents | null = null
  private interests: Interests | null = null
  private clients: Clients | null = null
  private wills: Wills | null = null
  private early: (() => void)[] = []
  private barriers: (() => void)[] = []
  private isPassing = false
  private hasLooked = false
  private saidUnstoredMs = -Infinity
  private readonly parcels: Parcels

  constructor(node: ClusterNode) {
    this.node = node
    const { name } = node.options
    this.parcels = new Parcels(
      (to, bytes) => node.wire.send(`${name}.m.${to}`, bytes),
      () => node.wire.bytesMax,
    )
    node.onJoined = () => this.joined()
    node.onLost = (clientId) => this.lost(clientId)
    node.onNodes = () => this.nodesChanged()
    node.onRefused = () => this.wills?.keepNobody()
    node.onLeaving = async () => this.wills?.stored()
  }

  start(events: PeersEvents): void {
    this.events = events
    setImmediate(() => this.interests?.tellAll())
  }

  private tell(run: (events: PeersEvents) => void): void {
    if (this.events !== null && !this.node.isClosed) run(this.events)
  }

  /** The connection is there, and a lease. */
  private async joined(): Promise<void> {
    const { node } = this
    const { wire, options, membership } = node
    const tell = (run: (events: PeersEvents) => void): void => this.tell(run)
    const isRunAlive = (name: string, run: string): boolean => membership.isRunAlive(name, run)
    this.interests = new Interests(wire, options, isRunAlive, tell)
    this.clients = new Clients(wire, options, membership, (claim, done) => this.kicked(claim, done))
    const left = new LeftWills(wire, options, {
      isOurs: (name, run) => {
        if (isRunAlive(name, run)) return false
        return name === options.node || (membership.isFirst() && !membership.isAlive(name))
      },
      orphaned: (clientId, will) => tell((events) => events.orphaned(clientId, will)),
      safe: () => node.writer.flush(),
      rest: (wills) => restWills(node, wills),
    })
    node.leftWills = left
    this.wills = new Wills(
      wire,
      options,
      left,
      (...whose) => membership.isRunGone(...whose),
      (...why) => this.willRefused(...why),
    )
    wire.listen(`${options.name}.ctl.${options.node}.barrier`, (message) => {
      const question = JSON.parse(decoder.decode(message.data)) as BarrierQuestion
      void this.pass(question).then((answer) =>
        wire.reply(message, encoder.encode(JSON.stringify(answer))),
      )
    })
    wire.listen(`${options.name}.m.${options.node}`, ({ data }) =>
      openParcel(data, (item) => this.received(item)),
    )
    for (const run of this.early.splice(0)) run()
    await Promise.all(membership.others().map((other) => this.meet(other)))
  }

  /** Makes sure that a node knows of us before we know of it. */
  private async meet({ node, run }: NodeView): Promise<void> {
    const { membership, wire, options } = this.node
    const report = JSON.stringify(membership.report(false))
    while (membership.isRunAlive(node, run) && !wire.isClosed) {
      const answer = await wire.request(`${options.name}.ctl.${node}.meet`, report, ASK_MS)
      if (answer !== null) break
      await pause(RETRY_MS)
    }
    await this.interests?.until(node, run, 0)
  }

  /** What is said before there is a connection is done when there is one. */
  private later(run: () => void): void {
    if (this.interests === null) this.early.push(run)
    else run()
  }

  // ── interest and messages ────────────────────────────────────────────────────────────────────────

  interest(filter: string, group: string, own: Interest): void {
    this.later(() => this.interests?.want(filter, group, own))
  }

  /** A user's bound is each node's. */
  userSessions(): number {
    return 0
  }

  cleanSessions(here: number): number {
    return this.interests?.countClean(here) ?? 0
  }

  publish(message: Message, nodes: number, groups: readonly string[]): boolean {
    const { interests } = this
    if (interests === null) return true
    const chosen = groups.length === 0 ? null : interests.choose(groups, message.qos === 0)
    for (const node of interests.named(nodes)) {
      const served = chosen?.get(node) ?? []
      chosen?.delete(node)
      this.sendTo(node, message, PLAIN, served)
    }
    for (const [node, served] of chosen ?? []) this.sendTo(node, message, GROUP_ONLY, served)
    return true
  }

  private sendTo(node: string, message: Message, plain: number, groups: readonly string[]): void {
    this.parcels.add(node, (writer) => {
      writer.reserve(1)
      writer.bytes[writer.length++] = plain
      writeText(writer, groups.join('\0'))
      writeMessage(writer, message)
    })
  }

  private received(item: Uint8Array): void {
    const reader = new RecordReader(item)
    const plain = reader.byte() === PLAIN
    const groups = reader.anyText()
    const message = readMessage(reader)
    this.tell((events) => events.published(message, plain, groups === '' ? [] : groups.split('\0')))
  }

  // ── barriers ─────────────────────────────────────────────────────────────────────────────────────

  barrier(done: () => void): void {
    this.barriers.push(done)
    if (!this.isPassing) void this.passAll()
  }

  /** One round for all who ask meanwhile. */
  private async passAll(): Promise<void> {
    this.isPassing = true
    // Never within the call.
    await Promise.resolve()
    while (this.barriers.length > 0 && !this.node.isClosed) {
      const round = this.barriers.splice(0)
      // What goes wrong on the way is asked again: nobody passes a barrier that was not.
      while (!(await this.askAll().then(passed, failed)) && !this.node.isClosed)
        await pause(RETRY_MS)
      for (const done of round) if (!this.node.isClosed) done()
    }
    this.isPassing = false
  }

  private async askAll(): Promise<void> {
    const { node, interests, wills } = this
    if (interests === null || node.wire.isClosed) return
    this.parcels.flush()
    interests.sendNow()
    await wills?.stored()
    const { name, node: own, run } = node.options
    const sessions = node.writer.lastRow
    const question = JSON.stringify({ node: own, run, interests: interests.number, sessions })
    const answers = await Promise.all(
      node.membership.others().map(async (other) => {
        for (;;) {
          const subject = `${name}.ctl.${other.node}.barrier`
          const answer = await node.wire.request(subject, question, ASK_MS)
          if (answer !== null) return Number(decoder.decode(answer.data))
          if (!node.membership.isRunAlive(other.node, other.run) || node.wire.isClosed) return 0
          await pause(RETRY_MS)
        }
      }),
    )
    await node.retainedUntil(Math.max(0, ...answers))
  }

  /** Another node's barrier; answers how far it has to know of retained messages. */
  private async pass({ node, run, interests, sessions }: BarrierQuestion): Promise<number> {
    await Promise.all([
      this.interests?.until(node, run, interests),
      this.node.sessionsUntil(sessions),
    ])
    // What was retained before we knew whom it concerns is stored, so that the other finds it there.
    await this.node.writer.flush()
    return this.node.retained.written
  }

  // ── clients ──────────────────────────────────────────────────────────────────────────────────────

  claim(claim: PeerClaim, done: (granted: boolean, had: boolean) => void): void {
    this.parcels.flush()
    this.later(() => {
      void this.clients
        ?.claim(claim, () => knowSession(this.node, claim.clientId))
        .then(({ granted, had }) => this.tell(() => done(granted, had)))
    })
  }

  unclaim(clientId: string): void {
    this.later(() => this.clients?.unclaim(clientId))
  }

  kick(node: string, claim: PeerClaim, done: () => void): void {
    this.parcels.flush()
    this.later(() => {
      void this.clients?.kickAt(node, claim).then(() => this.tell(done))
    })
  }

  private kicked(claim: PeerClaim, done: (gone: boolean, had?: boolean) => void): void {
    this.tell((events) =>
      events.kicked(
        claim,
        (gone, had) => void this.node.writer.flush().then(() => done(gone, had)),
      ),
    )
  }

  /** Another node has taken the session: whatever happened here in between, its client has gone there. */
  private lost(clientId: string): void {
    const username = this.node.table.get(clientId)?.row.record?.username ?? null
    const claim = { clientId, username, cleanStart: false, isFull: false }
    this.tell((events) => events.kicked(claim, () => this.node.tellAgain(clientId)))
  }

  will(clientId: string, will: PeerWill | 'unwanted' | null, done: () => void = () => {}): void {
    this.later(() => {
      void this.wills?.set(clientId, will).then(() => this.tell(done))
    })
  }

  /** Its client is let in all the same: while this node lives nothing is missing. */
  private willRefused(clientId: string, { text }: Failure, isForGood: boolean): void {
    const { log, nowMs } = this.node.options
    if (!isForGood && nowMs() - this.saidUnstoredMs < UNSTORED_SAID_MS) return
    if (!isForGood) this.saidUnstoredMs = nowMs()
    const until = isForGood ? '' : ' It is tried again, as those of others are that say the same.'
    log.write(
      LogType.warning,
      `Warning: the will of client ${clientId} is not stored, so nobody publishes it should this node die: JetStream: ${text}.${until}`,
    )
  }

  // ── nodes ────────────────────────────────────────────────────────────────────────────────────────

  private nodesChanged(): void {
    const { interests } = this
    const { membership, leftWills } = this.node
    for (const node of interests?.known ?? [])
      if (!membership.isAlive(node)) {
        interests?.remove(node)
        this.parcels.forget(node)
      }
    for (const { node, run } of membership.others()) void interests?.until(node, run, 0)
    // At first those of this node's earlier runs.
    if (membership.isFirst() || !this.hasLooked) leftWills?.sayOrphans()
    this.hasLooked = true
  }

  end(): void {
    this.parcels.flush()
    this.clients?.end()
  }
}

const RETRY_MS = 100

const passed = (): boolean => true
const failed = (): boolean => false
