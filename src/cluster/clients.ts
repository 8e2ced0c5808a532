/**
 * Which node has a client. Each listens on a subject of every client that it has or wants; who wants one asks there: nobody
 * listens, or whoever has it lets it go and says so.
 *
 *     two at once, a and b:   a asks b: b is later, nobody else?  a has it
 *                             b asks a: when a has it, it lets go b has it
 */
import type { Msg } from '@nats-io/transport-node'
import type { PeerClaim, PeersEvents } from '../ports/peers.ts'
import type { Membership } from './membership.ts'
import { tokenFor } from './tokens.ts'
import type { Wire } from './wire.ts'

/** How long to wait for an answer before one asks again: the node may be gone meanwhile. */
const ASK_MS = 1000
/** Two who asked before their servers knew of each other find out by then. */
const AGAIN_MS = 1000

interface OwnClient {
  /** Claims of this node that are not granted yet. */
  pending: number
  /** Another node asked while ours was under way, and was told to go on: ours may have missed it. */
  isOverheard: boolean
  readonly claim: PeerClaim
  readonly stop: () => void
  /** Asked for by others until ours is granted. */
  readonly waiting: ((isGranted: boolean) => void)[]
  readonly again: NodeJS.Timeout
}

interface Asking {
  readonly node: string
  readonly claim: PeerClaim
  /** Every node is asked by itself, and may want it too. */
  readonly isOfEach?: boolean
  /** Who asks knows the answer `had`; an older version does not. */
  readonly knowsHad?: boolean
}

/** A kick that the core has not answered, and who waits for it. */
type Answer = (gone: boolean, had?: boolean) => void

/**
 * `yes`: who had it has let it go. `had`: and its place in the bounds on sessions with it. `pass`: who answers does not have it,
 * which says nothing of others.
 */
type Reply = 'yes' | 'had' | 'no' | 'pass'

/** `had`: as in `Peers.claim`. */
interface Claimed {
  readonly granted: boolean
  readonly had: boolean
}

export interface ClientsOptions {
  readonly name: string
  readonly node: string
  readonly leaseMs: number
  nowMs(): number
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export class Clients {
  private readonly wire: Wire
  private readonly options: ClientsOptions
  private readonly membership: Membership
  private readonly kicked: PeersEvents['kicked']
  private readonly own = new Map<string, OwnClient>()
  private readonly kicks = new Map<string, Answer[]>()

  /** `kicked`: of the core, and what it wrote is stored when it is done. */
  constructor(
    wire: Wire,
    options: ClientsOptions,
    membership: Membership,
    kicked: PeersEvents['kicked'],
  ) {
    this.wire = wire
    this.options = options
    this.membership = membership
    this.kicked = kicked
    wire.listen(`${options.name}.ctl.${options.node}.kick`, (message) => {
      const { claim, isOfEach } = parse(message)
      if (isOfEach === true) this.asked(message)
      else this.kick(claim, (gone) => respond(message, gone ? 'yes' : 'no'))
    })
  }

  /** `prepare`: what is to be done before a claim is granted, while nobody else's may be. */
  async claim(claim: PeerClaim, prepare: () => Promise<void>): Promise<Claimed> {
    const { clientId } = claim
    const subject = `${this.options.name}.c.${tokenFor(clientId)}`
    const own = this.own.get(clientId) ?? this.listen(subject, claim)
    own.pending++
    const claimed = await this.ask(subject, claim, own, prepare)
    const { granted } = claimed
    own.pending--
    // The core is to know that it has the client before it is asked to let it go.
    if (own.pending === 0) setImmediate(() => own.waiting.splice(0).forEach((go) => go(granted)))
    if (!granted && own.pending === 0) this.unclaim(clientId)
    return claimed
  }

  private listen(subject: string, claim: PeerClaim): OwnClient {
    const stop = this.wire.listen(subject, (message) => this.asked(message))
    const again = setTimeout(() => this.send(subject, claim), AGAIN_MS)
    const own = { pending: 0, isOverheard: false, claim, stop, waiting: [], again }
    this.own.set(claim.clientId, own)
    return own
  }

  /** Nobody need answer. */
  private send(subject: string, claim: PeerClaim): void {
    this.wire.send(subject, encoder.encode(this.question(claim)))
  }

  private question(claim: PeerClaim, isOfEach = false): string {
    const { node } = this.options
    return JSON.stringify({ node, claim, isOfEach, knowsHad: true } satisfies Asking)
  }

  unclaim(clientId: string): void {
    const own = this.own.get(clientId)
    if (own === undefined || own.pending > 0) return
    clearTimeout(own.again)
    own.stop()
    this.own.delete(clientId)
  }

  /** Another node wants a client that is ours, or is going to be. */
  private asked(message: Msg): void {
    const { node, claim, knowsHad = false } = parse(message)
    const own = this.own.get(claim.clientId)
    // Said once more, long after it was granted: only those who never heard of each other are meant.
    if (message.reply === undefined || message.reply === '') {
      if (own !== undefined && own.pending === 0 && node < this.options.node) return
    }
    const letGo = (isHere: boolean): void =>
      this.kick(claim, (gone, had = false) =>
        respond(message, replyOf(gone, isHere, knowsHad && had)),
      )
    if (own === undefined || own.pending === 0) return letGo(own !== undefined)
    if (node > this.options.node) own.waiting.push(letGo)
    else {
      own.isOverheard = true
      respond(message, 'pass')
    }
  }

  /** Has the core let a client go; kicks for the same user are one. */
  private kick(claim: PeerClaim, done: Answer): void {
    const key = `${claim.username ?? ''}\0${claim.clientId}`
    const known = this.kicks.get(key)
    if (known !== undefined) return void known.push(done)
    const answers = [done]
    this.kicks.set(key, answers)
    this.kicked(claim, (gone, had) => {
      this.kicks.delete(key)
      if (gone) this.unclaim(claim.clientId)
      // There is one place.
      for (const [at, answer] of answers.entries()) answer(gone, at === 0 && had)
    })
  }

  /** Asks whoever has it; granted: nobody does, not any more, or it cannot say so. */
  private async ask(
    subject: string,
    claim: PeerClaim,
    own: OwnClient,
    prepare: () => Promise<void>,
  ): Promise<Claimed> {
    const { leaseMs, nowMs } = this.options
    const endMs = nowMs() + leaseMs
    let had = false
    while (nowMs() < endMs && !this.wire.isClosed) {
      own.isOverheard = false
      const reply = await this.askOnce(subject, claim)
      if (reply === null) continue
      const replies = reply === 'pass' ? await this.askEach(claim) : [reply]
      had ||= replies.includes('had')
      const granted = !replies.includes('no')
      if (granted) await prepare()
      if (!(granted && own.isOverheard)) return { granted, had: granted && had }
    }
    await prepare()
    return { granted: true, had }
  }

  /** One question, whose first answer counts; null: none in time. */
  private async askOnce(subject: string, claim: PeerClaim): Promise<Reply | null> {
    const answer = await this.wire.tryRequest(subject, this.question(claim), ASK_MS)
    if (answer === null) return null
    return answer === 'unheard' ? 'yes' : (decoder.decode(answer.data) as Reply)
  }

  /** Asks every other node by itself. */
  private async askEach(claim: PeerClaim): Promise<Reply[]> {
    const others = this.membership.others()
    return Promise.all(others.map(({ node }) => this.kickAt(node, claim, true)))
  }

  /** Asks a node to let a client go; `pass` as well when it cannot have it any more. */
  async kickAt(node: string, claim: PeerClaim, isOfEach = false): Promise<Reply> {
    const subject = `${this.options.name}.ctl.${node}.kick`
    const question = this.question(claim, isOfEach)
    while (!this.wire.isClosed) {
      const answer = await this.wire.tryRequest(subject, question, ASK_MS)
      if (answer === 'unheard') this.membership.noteSilent(node)
      else if (answer !== null) return decoder.decode(answer.data) as Reply
      if (answer === 'unheard' || !this.membership.isAlive(node)) break
    }
    return 'pass'
  }

  end(): void {
    for (const clientId of [...this.own.keys()]) {
      clearTimeout(this.own.get(clientId)?.again)
      this.own.delete(clientId)
    }
  }
}

function parse({ data }: Msg): Asking {
  return JSON.parse(decoder.decode(data)) as Asking
}

function replyOf(gone: boolean, isHere: boolean, had: boolean): Reply {
  if (!gone) return 'no'
  if (had) return 'had'
  return isHere ? 'yes' : 'pass'
}

function respond(message: Msg, reply: Reply): void {
  if (message.reply !== undefined && message.reply !== '') message.respond(reply)
}
