/**
 * Which nodes there are. Each writes a heartbeat into a stream; while that is answered its lease runs, from when it was
 * sent. The others count from when they heard of it, so none of them believes a node gone whose lease still runs.
 *
 *     own      sent ──── answered: lease until sent + L          nothing is acknowledged after it
 *     others          heard ──────────────── alive until heard + L
 *
 * That holds within one life of their stream. In another one (`heartbeats.ts`) the others may not hear of heartbeats any more,
 * so a lease goes on only when each of them has been told so by itself: until it has noticed as well, or is at its end, that
 * keeps it from believing us gone.
 */
import { LogType } from '../base/log.ts'
import { ClusterError, NO_RESPONDERS } from './failures.ts'
import { Follower } from './follower.ts'
import { Heartbeats, type HeartbeatsOptions } from './heartbeats.ts'
import type { NodeCounts, NodeReport, NodeView } from './node-report.ts'
import { isFailure, pause, type Outcome, type StreamEntry, type Wire } from './wire.ts'

/** Heartbeats within one lease: some may fail, and a stream may be without a leader for a while. */
const HEARTBEATS_PER_LEASE = 5
/** Between two looks at whose lease has ended. */
const WATCH_MS = 200
const ASK_MS = 1000
/** A busy server answers by then. */
const ANSWER_MS_MAX = 5000
const RETRY_MS = 200
/** Begins the answer of who knows of lives, its run behind it; of another version it is empty. */
const MET = 'met'

export interface MembershipOptions extends HeartbeatsOptions {
  readonly node: string
  readonly run: string
  readonly version: string
  nowMs(): number
  /** Numbers for the others to see. */
  counts(): NodeCounts
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export class Membership {
  readonly options: MembershipOptions
  /** Of the other nodes, by name. */
  private readonly nodes = new Map<string, NodeView>()
  /** The run of each that was before it. */
  private readonly former = new Map<string, NodeView>()
  /** Runs of nodes that do not answer any more: their clients may be let in elsewhere. */
  private readonly silent = new Set<string>()
  private readonly wire: Wire
  private readonly heartbeats: Heartbeats
  private follower: Follower
  /** Of the stream of heartbeats, as far as leases are concerned. */
  private life = ''
  private leaseEndMs = 0
  private isJoined = false
  private isGoingOn = false
  /** The last heartbeat of each node, by its subject. */
  private readonly heardOf = new Map<string, number>()
  private beats: NodeJS.Timeout | null = null
  private watch: NodeJS.Timeout | null = null
  private onFenced: () => void = () => {}
  private isTryingAgain = false
  /** Told when a node has come, or is gone. */
  onChange: () => void = () => {}
  private wasAlive = new Set<string>()

  constructor(wire: Wire, options: MembershipOptions) {
    this.wire = wire
    this.options = options
    this.heartbeats = new Heartbeats(wire, options)
    this.follower = this.newFollower()
    wire.listen(`${options.name}.ctl.${options.node}.meet`, (message) => {
      this.note(JSON.parse(decoder.decode(message.data)) as NodeReport)
      message.respond(`${MET} ${options.run}`)
    })
  }

  private newFollower(): Follower {
    const { name } = this.options
    const followed = { stream: `${name}_N`, subject: `${name}.n.*`, live: `${name}.f.n.*` }
    return new Follower(this.wire, followed, (entry) => this.heard(entry))
  }

  /** Reads all that there is from the beginning. */
  private async followAnew(): Promise<void> {
    this.follower.end()
    this.heardOf.clear()
    this.follower = this.newFollower()
    await this.follower.start()
  }

  /** Joins; resolves with a lease. `onFenced` is called once, when it has run out. */
  async join(onFenced: () => void): Promise<void> {
    while (!(await this.tryToJoin(onFenced))) {
      this.stopBeating()
      this.leaseEndMs = 0
    }
    this.isJoined = true
  }

  /** False: the stream has begun another life meanwhile, and nobody can tell who was in it before. */
  private async tryToJoin(onFenced: () => void): Promise<boolean> {
    const { leaseMs } = this.options
    this.life = await this.heartbeats.enter()
    await this.followAnew()
    await this.waitForFormer()
    // The stream may be without a leader at first.
    for (await this.beat(false); !this.isValid(); await this.beat(false)) {
      if ((await this.findLife()) !== this.life) return false
      await pause(RETRY_MS)
    }
    this.onFenced = onFenced
    this.beats = setInterval(() => void this.beat(false), leaseMs / HEARTBEATS_PER_LEASE)
    this.watch = setInterval(() => this.look(), WATCH_MS)
    // Who joined between our look and our heartbeat sees us in his.
    await this.follower.refresh()
    return (await this.findLife()) === this.life
  }

  private async findLife(): Promise<string> {
    for (; !this.wire.isClosed; await pause(RETRY_MS)) {
      const life = await this.heartbeats.life()
      if (life !== null) return life
    }
    throw new Error('the connection is closed')
  }

  /** No acknowledgement may leave without it. */
  isValid(): boolean {
    return this.options.nowMs() < this.leaseEndMs
  }

  get leaseLeftMs(): number {
    return this.leaseEndMs - this.options.nowMs()
  }

  /** The other nodes that may answer a client. */
  others(): NodeView[] {
    const nowMs = this.options.nowMs()
    return [...this.nodes.values()].filter((view) => !view.isLeaving && view.aliveUntilMs > nowMs)
  }

  isAlive(node: string): boolean {
    const view = this.nodes.get(node)
    if (node === this.options.node) return true
    return view !== undefined && !view.isLeaving && view.aliveUntilMs > this.options.nowMs()
  }

  /** Is it this very process of the node? */
  isRunAlive(node: string, run: string): boolean {
    const current = node === this.options.node ? this.options.run : this.nodes.get(node)?.run
    return current === run && this.isAlive(node)
  }

  /** May `node` still have a client? As {@link isAlive}, but for one that no server knows any more. */
  mayHold(node: string): boolean {
    return this.isAlive(node) && !this.silent.has(this.nodes.get(node)?.run ?? '')
  }

  /** No server has a connection to it: it is dead, or cut off and can write nothing. */
  noteSilent(node: string): void {
    const run = this.nodes.get(node)?.run
    if (run !== undefined) this.silent.add(run)
  }

  /**
   * Is that process of a node gone, or cut off? Asks it until it answers, or its lease has ended; false as well when nobody wants
   * to know any more.
   */
  async isRunGone(node: string, run: string, isOver: AbortSignal): Promise<boolean> {
    while (!isOver.aborted && !this.wire.isClosed) {
      if (!this.isRunAlive(node, run) || this.silent.has(run)) return true
      const answer = await this.askRun(node)
      if (answer === 'unheard') this.noteSilent(node)
      else if (answer !== 'silent') return answer !== run
    }
    return false
  }

  /** How long at least a node has not been heard of that is gone; 0: it may just have gone. */
  goneForMs(node: string, run: string): number {
    const views = [this.nodes.get(node), this.former.get(node)]
    const view = views.find((one) => one?.run === run)
    if (view === undefined) return 0
    const { leaseMs, nowMs } = this.options
    const lastMs = view.aliveUntilMs - leaseMs
    return Math.max(0, nowMs() - lastMs - leaseMs / HEARTBEATS_PER_LEASE)
  }

  /** Chosen among all that are alive: the one to do what one has to do. */
  isFirst(): boolean {
    return this.others().every(({ node }) => node > this.options.node)
  }

  /** Asks the stream's leader whether a node has left meanwhile. */
  async refreshNode(node: string): Promise<void> {
    const { name } = this.options
    const entry = await this.wire.readOne(`${name}_N`, { last_by_subj: `${name}.n.${node}` })
    if (entry !== null) this.heard(entry)
  }

  /** Has the others know at once what changes else with the next heartbeat. */
  tellNow(): Promise<void> {
    return this.beat(false)
  }

  /** Asks how far the heartbeats are. */
  refresh(): Promise<void> {
    return this.follower.refresh()
  }

  async leave(): Promise<void> {
    this.abandon()
    if (this.isValid()) await this.beat(true)
    this.leaseEndMs = 0
  }

  /** Ends without a word, as a dead process does. */
  abandon(): void {
    this.isJoined = false
    this.stopBeating()
    this.follower.end()
  }

  private stopBeating(): void {
    clearInterval(this.beats ?? undefined)
    this.beats = null
    clearInterval(this.watch ?? undefined)
  }

  private look(): void {
    this.noteChanges()
    if (this.isValid()) return
    this.abandon()
    this.onFenced()
  }

  report(isLeaving: boolean): NodeReport {
    const { node, run, version, counts } = this.options
    return { node, run, isLeaving, version, ...counts() }
  }

  private async beat(isLeaving: boolean): Promise<void> {
    const { nowMs } = this.options
    const sentMs = nowMs()
    const outcome = await this.put(isLeaving)
    if (isLeaving) return
    const isPut = !isFailure(outcome)
    if (!isPut && outcome.code !== NO_RESPONDERS) return void this.tryAgain()
    // Behind the answer, so that the heartbeat is in no later one.
    const life = await this.heartbeats.life(isPut ? ANSWER_MS_MAX : ASK_MS)
    if (isPut && life === this.life) this.renew(sentMs)
    else if (life === null || life === this.life) void this.tryAgain()
    else void this.goOn()
  }

  private put(isLeaving: boolean): Promise<Outcome> {
    const { name, node } = this.options
    const data = encoder.encode(JSON.stringify(this.report(isLeaving)))
    return this.wire.put(`${name}.n.${node}`, data)
  }

  private renew(sentMs: number): void {
    const { leaseMs, nowMs } = this.options
    // A lease that has ended does not come back: others may have acted on it. One that was answered too late has not begun.
    const isLate = this.leaseEndMs > 0 ? !this.isValid() : sentMs + leaseMs <= nowMs()
    if (!isLate) this.leaseEndMs = Math.max(this.leaseEndMs, sentMs + leaseMs)
  }

  /** While nobody leads the stream every heartbeat is refused at once: the next one in its time could be one too late. */
  private async tryAgain(): Promise<void> {
    if (this.beats === null || this.isTryingAgain) return
    this.isTryingAgain = true
    await pause(RETRY_MS)
    this.isTryingAgain = false
    if (this.isValid()) await this.beat(false)
  }

  /** The stream has begun another life: has the lease go on in it, as soon as nobody can miss that. */
  private async goOn(): Promise<void> {
    if (!this.isJoined || this.isGoingOn || !this.isValid()) return
    this.isGoingOn = true
    const { log, nowMs } = this.options
    try {
      const life = await this.heartbeats.begin()
      const sentMs = nowMs()
      const isPut = !isFailure(await this.put(false))
      await this.followAnew()
      const known = [...this.nodes.values()].filter((view) => this.mayRun(view))
      const names = known.map(({ node }) => node).join(', ')
      log.write(
        LogType.warning,
        `Warning: NATS has lost which nodes there are: it was restarted. This one goes on${names === '' ? '' : ` when each that was there knows: ${names}`}.`,
      )
      await Promise.all(known.map((view) => this.tell(view)))
      if (!isPut || !this.isValid() || (await this.heartbeats.life()) !== life) return
      this.life = life
      this.renew(sentMs)
    } catch {
      // The connection is gone; or it is tried again, as long as there is a lease.
    } finally {
      this.isGoingOn = false
      void this.tryAgain()
    }
  }

  /** Whose last heartbeats may have been lost, so nobody knows that its lease has ended. */
  private mayRun({ isLeaving, aliveUntilMs }: NodeView): boolean {
    const { nowMs, leaseMs } = this.options
    return !isLeaving && aliveUntilMs + leaseMs > nowMs()
  }

  /** Has a node know that this one goes on, if it may be alive: that very process, for another one of its name answers as well. */
  private async tell({ node, run }: NodeView): Promise<void> {
    const report = JSON.stringify(this.report(false))
    const isWanted = (): boolean => {
      const view = this.nodes.get(node)
      return view !== undefined && this.mayRun(view) && this.isValid()
    }
    for (; isWanted(); await pause(RETRY_MS)) {
      const subject = `${this.options.name}.ctl.${node}.meet`
      const answer = await this.wire.request(subject, report, ASK_MS)
      if (answer !== null && decoder.decode(answer.data) === `${MET} ${run}`) return
    }
  }

  /** An earlier run of this node: until no server has a connection to it any more, or its lease has ended. */
  private async waitForFormer(): Promise<void> {
    const { node, nowMs, leaseMs } = this.options
    const former = this.nodes.get(node)
    this.nodes.delete(node)
    if (former === undefined || former.isLeaving) return
    for (const endMs = nowMs() + leaseMs; nowMs() < endMs; await pause(RETRY_MS)) {
      const answer = await this.askRun(node)
      if (answer === 'unheard') return
      if (answer !== 'silent')
        throw new ClusterError(`another process is node ${node} of this cluster: cluster_node_id`)
    }
  }

  /** Which run of a node answers; 'unheard': no server knows of one, 'silent': none in time. */
  private async askRun(node: string): Promise<string> {
    const subject = `${this.options.name}.ctl.${node}.run`
    const answer = await this.wire.tryRequest(subject, '', ASK_MS)
    if (answer === null) return 'silent'
    return answer === 'unheard' ? 'unheard' : decoder.decode(answer.data)
  }

  private heard({ data, sequence, subject }: StreamEntry): void {
    // What is read once more says nothing of now.
    if (sequence <= (this.heardOf.get(subject) ?? 0)) return
    this.heardOf.set(subject, sequence)
    this.note(JSON.parse(decoder.decode(data)) as NodeReport)
  }

  private note(report: NodeReport): void {
    const { options } = this
    const { node } = report
    // Of this one, or of an earlier run that was waited for.
    if (node === options.node && (report.run === options.run || this.leaseEndMs > 0)) return
    const known = this.nodes.get(node)
    if (known?.run !== report.run && known !== undefined) {
      this.silent.delete(known.run)
      this.former.set(node, known)
    }
    this.silent.delete(report.run)
    this.nodes.set(node, { ...report, aliveUntilMs: options.nowMs() + options.leaseMs })
    this.noteChanges()
  }

  private noteChanges(): void {
    const alive = new Set(this.others().map(({ run }) => run))
    const isSame =
      alive.size === this.wasAlive.size && [...alive].every((run) => this.wasAlive.has(run))
    this.wasAlive = alive
    if (!isSame) this.onChange()
  }
}
