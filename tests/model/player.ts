/**
 * Plays a list of steps against a broker and the model at once, and compares after each of them what every
 * connection was sent.
 *
 *     step ──▶ client: packet ──▶ broker ──▶ what came ──┐
 *                       └───────▶ model ──▶ what may ────┴─ the same? otherwise a Fault
 */
import { fill, newMemory, noteSeen, readLine, type Client, type Memory } from './client.ts'
import { judgeConnection, judgeCopies } from './judge.ts'
import { observe } from './observe.ts'
import { clientSends } from './packets.ts'
import { endConnection, forgetAll, restart } from './sessions.ts'
import { createState, newConnection, type State } from './state.ts'
import type { PacketStep, Step } from './steps.ts'
import type { Target } from './target.ts'
import { isCloseCall, nextDeadlineMs, passTime } from './time.ts'
import type { Seen } from './wire.ts'

/** The broker and the model are not of one mind. */
export class Fault extends Error {}

const SETTLE_ROUNDS_MAX = 100
const DELAY_MS = 500

/** What the generator may look at to choose steps that make sense. */
export interface View {
  isOpen(at: number): boolean
  owed(at: number): number
  unreleased(at: number): number
}

export interface Player extends View {
  /** @throws Fault */
  play(step: Step): Promise<void>
  /** Everything that came, for a report. */
  readonly transcript: string[]
  readonly state: State
}

export function createPlayer(target: Target, onSeen: (seen: Seen) => void): Player {
  return new SequencePlayer(target, onSeen)
}

class SequencePlayer implements Player {
  readonly transcript: string[] = []
  readonly state: State
  private readonly target: Target
  private readonly onSeen: (seen: Seen) => void
  private readonly clients: Client[] = []
  private readonly memories = new Map<string, Memory>()
  private lastName = 0
  private lastLine = 0

  constructor(target: Target, onSeen: (seen: Seen) => void) {
    this.target = target
    this.onSeen = onSeen
    this.state = createState(target.profile, target.nowMs())
  }

  isOpen(at: number): boolean {
    return this.clients[at]?.connection.phase === 'open'
  }

  owed(at: number): number {
    return this.clients[at]?.owed.length ?? 0
  }

  unreleased(at: number): number {
    return this.clients[at]?.memory.unreleased.length ?? 0
  }

  async play(step: Step): Promise<void> {
    this.state.justEnded = []
    passTime(this.state, this.target.nowMs())
    if (step.do === 'pass') await this.pass(step.ms)
    else if (step.do === 'restart') await this.restart(step.how)
    else if (step.do === 'cut') await this.cut(step.at)
    else if (step.do === 'settle') await this.answerAll(step.at)
    else if (step.do === 'budget') this.budget(step.workPerTurn, step.receiversAtOnce)
    else if (step.do === 'together') await this.sendTogether(step.steps)
    else if (step.do === 'burst') await this.send(step.at, step.steps, 1, false)
    else if (step.do === 'split' || step.do === 'torn')
      await this.send(step.at, [step.step], step.part, step.do === 'torn')
    else await this.send(step.at, [step], 1, false)
  }

  private budget(workPerTurn: number, receiversAtOnce: number): void {
    this.target.budget(workPerTurn, receiversAtOnce)
    this.state.inPortions = true
  }

  private async sendTogether(steps: readonly PacketStep[]): Promise<void> {
    for (const step of steps)
      if (this.isOpen(step.at) && !this.mayOvertake(step)) await this.put(step.at, [step], 1, false)
    await this.compare()
  }

  /** What ends a connection may be met behind what others send after it, where input is handled in portions. */
  private mayOvertake(step: PacketStep): boolean {
    return this.state.inPortions && step.do === 'ack' && step.as !== undefined
  }

  private async send(
    at: number,
    steps: readonly PacketStep[],
    part: number,
    isTorn: boolean,
  ): Promise<void> {
    if (!(await this.put(at, steps, part, isTorn))) return
    if (isTorn) await this.cut(at)
    else await this.compare()
  }

  /** Sends packets of one client in one piece, or in two, or only the first of two; false: there is no connection for them. */
  private async put(
    at: number,
    steps: readonly PacketStep[],
    part: number,
    isTorn: boolean,
  ): Promise<boolean> {
    const opens = steps[0]?.do === 'connect' && !this.isOpen(at)
    if (!opens && !this.isOpen(at)) return false
    if (opens) await this.open(at, steps[0] as Extract<PacketStep, { do: 'connect' }>)
    const client = this.clients[at]
    const name = () => `m${++this.lastName}`
    const filled = steps.flatMap((step) => fill(client, step, name) ?? [])
    const bytes = Buffer.concat(filled.map((each) => each.bytes))
    const end = part < 1 ? Math.max(1, Math.floor(bytes.length * part)) : bytes.length
    const isWhole = !isTorn || end === bytes.length
    if (isWhole)
      for (const { sent, payload } of filled)
        clientSends(this.state, client.connection, sent, payload)
    client.line.send(new Uint8Array(bytes.subarray(0, end)))
    if (end < bytes.length && !isTorn) {
      await this.target.settle()
      client.line.send(new Uint8Array(bytes.subarray(end)))
    }
    return true
  }

  private async open(at: number, step: Extract<PacketStep, { do: 'connect' }>): Promise<void> {
    const name = `${at}.${++this.lastLine}`
    const line = await this.target.open(name)
    const connection = newConnection(this.state, name)
    const known = this.memories.get(step.id)
    const memory = known === undefined || step.clean ? newMemory() : known
    this.memories.set(step.id, memory)
    this.clients[at] = {
      line,
      connection,
      memory,
      version: step.version,
      reader: null,
      owed: [],
      inbox: [],
    }
  }

  private async cut(at: number): Promise<void> {
    const client = this.clients[at]
    if (client === undefined) return
    const { connection, line } = client
    if (line.isClosed) return
    line.cut()
    endConnection(this.state, connection)
    connection.mustClose = true
    await this.compare()
  }

  /** Stops behind everything that is due; longer when something would be due so close to the end that nobody knows. */
  private async pass(ms: number): Promise<void> {
    const { state, target } = this
    const untilMs = target.nowMs() + ms
    do {
      const dueMs = Math.min(nextDeadlineMs(state), untilMs) - target.nowMs()
      await target.pass(Math.max(dueMs + DELAY_MS, DELAY_MS))
      passTime(state, target.nowMs())
      if (!isCloseCall(state, state.nowMs)) await this.compare()
    } while (state.nowMs < untilMs || isCloseCall(state, state.nowMs))
  }

  private async restart(wanted: 'stop' | 'crash'): Promise<void> {
    const how = this.target.profile.crashes ? wanted : 'stop'
    restart(this.state, how)
    await this.target.restart(how)
    await this.compare()
    if (!this.target.profile.survives) forgetAll(this.state)
  }

  /** Acknowledges all that is due, until nothing more comes. */
  private async answerAll(at: number): Promise<void> {
    for (let round = 0; this.isOpen(at); round++) {
      if (round > SETTLE_ROUNDS_MAX) throw new Fault('messages without end')
      const owed = this.owed(at)
      const unreleased = this.unreleased(at)
      const steps: PacketStep[] = []
      for (let n = 0; n < owed; n++) steps.push({ do: 'ack', at, nth: 0 })
      for (let nth = 0; nth < unreleased; nth++) steps.push({ do: 'release', at, nth })
      if (steps.length === 0) return
      await this.send(at, steps, 1, false)
    }
  }

  private async compare(): Promise<void> {
    await this.target.settle()
    passTime(this.state, this.target.nowMs())
    for (const [at, client] of this.clients.entries()) {
      if (client === undefined) continue
      readLine(client)
      for (const seen of client.inbox.splice(0)) this.look(at, client, seen)
    }
    for (const [at, client] of this.clients.entries()) {
      if (client === undefined) continue
      const missing = judgeConnection(this.state, client.connection, client.line.isClosed)
      if (missing !== null) throw new Fault(`line ${at}: ${missing}`)
    }
    this.state.connections = this.state.connections.filter(({ phase }) => phase !== 'closed')
    this.state.comparedMs = this.state.nowMs
    const missing = judgeCopies(this.state)
    if (missing !== null) throw new Fault(missing)
  }

  private look(at: number, client: Client, seen: Seen): void {
    this.onSeen(seen)
    this.transcript.push(`${at} ◀ ${describe(seen)}`)
    noteSeen(client, seen)
    const problem = observe(this.state, client.connection, seen)
    if (problem !== null) throw new Fault(`line ${at}: ${describe(seen)}: ${problem}`)
  }
}

/** A packet in one line. */
export function describe(seen: Seen): string {
  const { cmd, id, code, qos, retain, dup, topic, payload } = seen
  if (cmd === 'publish')
    return `PUBLISH q${qos}${retain ? ' retain' : ''}${dup ? ' dup' : ''} #${id} ${topic} "${payload}"`
  const more = seen.codes.length > 0 ? ` [${seen.codes.join()}]` : ''
  const present = cmd === 'connack' ? ` present=${seen.sessionPresent}` : ''
  return `${cmd.toUpperCase()} #${id} 0x${code.toString(16)}${more}${present}`
}
