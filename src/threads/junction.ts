/**
 * Where the nodes of one process meet: the Peers port for each of them, in the thread that runs it. It knows what every
 * node wants and which node has which client, so that everybody else need only ask here.
 *
 *     node a ── Peers ──┐
 *     node b ── Peers ──┼── Junction: interest by filter, clients by id
 *     node c ── Peers ──┘
 */
import type { Message } from '../ports/message.ts'
import type { Interest, PeerClaim, Peers, PeersEvents, PeerWill } from '../ports/peers.ts'
import { nodeInTurn } from '../ports/turns.ts'

/** How the junction reaches a node. */
export interface JunctionWay {
  /** Runs what the node is told: later, in order; at once if the node is told by bytes that take their time. */
  defer(run: () => void): void
  /** Calls `done` once the node has handled all it was told, and what it had written by then into the store is told to the others. */
  sync(done: () => void): void
  /** Messages are copied before `defer` returns. */
  readonly copies: boolean
  /** Too much is under way to it. Absent: never. */
  readonly isCrowded?: boolean
}

interface Node {
  readonly name: string
  readonly bit: number
  readonly way: JunctionWay
  events: PeersEvents | null
  isGone: boolean
  cleanSessions: number
  /** Clean sessions by user. */
  readonly users: Map<string, number>
  readonly wills: Map<string, PeerWill>
  /** What waits for an answer of it. */
  readonly waiting: Set<() => void>
}

/** One filter, or one shared group, and what each node wants of it. */
interface Place {
  readonly filter: string
  readonly group: string
  readonly own: Map<Node, Interest>
  /** Turns of the group's members so far. */
  next: number
}

interface Asking {
  readonly node: Node
  readonly claim: PeerClaim
  readonly done: Parameters<Peers['claim']>[1]
}

/** A client id: who has it, and who asks for it; the first of those has its holder kicked. */
interface Client {
  holder: Node | null
  readonly asking: Asking[]
}

const NO_GROUPS: readonly string[] = []

export class Junction {
  private readonly nodes: Node[] = []
  private readonly places = new Map<string, Place>()
  private readonly clients = new Map<string, Client>()

  /** A node more, by its name in the store; at most 31. */
  join(name: string, way: JunctionWay): Peers {
    const bit = 1 << this.nodes.length
    const node: Node = {
      name,
      bit,
      way,
      events: null,
      isGone: false,
      cleanSessions: 0,
      users: new Map(),
      wills: new Map(),
      waiting: new Set(),
    }
    this.nodes.push(node)
    return {
      start: (events) => this.start(node, events),
      interest: (filter, group, own) => this.interest(node, filter, group, own),
      barrier: (done) => this.barrier(node, done),
      publish: (message, mask, groups) => this.publish(node, message, mask, groups),
      claim: (claim, done) => this.claim({ node, claim, done }),
      unclaim: (clientId) => this.unclaim(node, clientId),
      kick: (owner, claim, done) => this.kick(node, owner, claim, done),
      will: (clientId, will, done) => {
        if (will === null || will === 'unwanted') node.wills.delete(clientId)
        else node.wills.set(clientId, will)
        done?.()
      },
      cleanSessions: (here) => this.countClean(node, here),
      userSessions: (username, change) => this.countUser(node, username, change),
    }
  }

  /** A node is gone, with all it did not say. */
  leave(name: string): void {
    const node = this.nodes.find((one) => one.name === name)
    if (node === undefined || node.isGone) return
    node.isGone = true
    for (const place of [...this.places.values()])
      if (place.own.delete(node)) this.tellWanted(place)
    for (const [clientId, client] of [...this.clients])
      if (client.holder === node) this.giveUp(clientId, client)
    for (const answer of [...node.waiting]) answer()
    const heir = this.othersOf(node)[0]
    if (heir === undefined) return
    for (const [clientId, will] of node.wills)
      this.tell(heir, (events) => events.orphaned(clientId, will))
  }

  private start(node: Node, events: PeersEvents): void {
    node.events = events
    for (const place of this.places.values()) this.tellWantedTo(node, place)
  }

  private othersOf(node: Node): Node[] {
    return this.nodes.filter((other) => other !== node && !other.isGone)
  }

  private tell(node: Node, run: (events: PeersEvents) => void): void {
    node.way.defer(() => {
      if (node.events !== null && !node.isGone) run(node.events)
    })
  }

  /** Runs `done` once: when the answer comes, or the node that owes it is gone. */
  private await(node: Node, done: () => void): () => void {
    const answer = (): void => {
      if (node.waiting.delete(answer)) done()
    }
    node.waiting.add(answer)
    return answer
  }

  // ── interest ─────────────────────────────────────────────────────────────────────────────────────

  private interest(node: Node, filter: string, group: string, own: Interest): void {
    const key = `${group}/${filter}`
    let place = this.places.get(key)
    if (place === undefined) {
      place = { filter, group, own: new Map(), next: 0 }
      this.places.set(key, place)
    }
    if (own.always + own.qos0 > 0) place.own.set(node, own)
    else place.own.delete(node)
    if (place.own.size === 0) this.places.delete(key)
    this.tellWanted(place, node)
  }

  private tellWanted(place: Place, author: Node | null = null): void {
    for (const node of this.nodes) if (node !== author) this.tellWantedTo(node, place)
  }

  private tellWantedTo(node: Node, { filter, group, own }: Place): void {
    let always = 0
    let qos0 = 0
    let members = 0
    for (const [other, wants] of own) {
      if (other === node) continue
      if (wants.always > 0) always |= other.bit
      if (wants.qos0 > 0) qos0 |= other.bit
      if (group !== '') members += wants.always
    }
    this.tell(node, (events) => events.wanted(filter, group, always, qos0, members))
  }

  private barrier(node: Node, done: () => void): void {
    const others = this.othersOf(node)
    let left = others.length
    const finish = (): void => node.way.defer(() => void (node.isGone || done()))
    if (left === 0) return finish()
    for (const other of others)
      other.way.sync(
        this.await(other, () => {
          if (--left === 0) finish()
        }),
      )
  }

  // ── messages ─────────────────────────────────────────────────────────────────────────────────────

  private publish(from: Node, message: Message, mask: number, groups: readonly string[]): boolean {
    const served = groups.length === 0 ? null : this.chooseNodes(from, message, groups)
    let isCalm = true
    for (const node of this.nodes) {
      const plain = node !== from && (mask & node.bit) !== 0
      const chosen = served?.get(node) ?? NO_GROUPS
      if (!plain && chosen.length === 0) continue
      const sent = node.way.copies ? message : message.kept()
      this.tell(node, (events) => events.published(sent, plain, chosen))
      if (node.way.isCrowded === true) isCalm = false
    }
    return isCalm
  }

  private chooseNodes(
    from: Node,
    { qos }: Message,
    groups: readonly string[],
  ): Map<Node, string[]> {
    const served = new Map<Node, string[]>()
    for (const group of groups) {
      const place = this.places.get(group)
      const others = [...(place?.own ?? [])].filter(([node]) => node !== from)
      const turn = place === undefined ? 0 : place.next++
      // Whoever left it to others may not have heard yet that they are gone: then it comes back, behind that news, for members
      // there, or for one that is away.
      const node = nodeInTurn(others, qos === 0, turn) ?? from
      const known = served.get(node)
      if (known === undefined) served.set(node, [group])
      else known.push(group)
    }
    return served
  }

  // ── clients ──────────────────────────────────────────────────────────────────────────────────────

  private claim(asking: Asking): void {
    const { clientId } = asking.claim
    let client = this.clients.get(clientId)
    if (client === undefined) {
      client = { holder: null, asking: [] }
      this.clients.set(clientId, client)
    }
    client.asking.push(asking)
    if (client.asking.length === 1) this.serve(clientId, client)
  }

  /** Sees to the first who asks. */
  private serve(clientId: string, client: Client): void {
    const [first] = client.asking
    if (first === undefined) {
      if (client.holder === null) this.clients.delete(clientId)
      return
    }
    const { node, claim, done } = first
    const { holder } = client
    let had = false
    const answer = (granted: boolean): void => {
      if (granted) client.holder = node.isGone ? null : node
      node.way.defer(() => void (node.isGone || done(granted, had)))
      client.asking.shift()
      this.serve(clientId, client)
    }
    if (holder === null || holder === node) return answer(true)
    let gone = true
    const answered = this.await(holder, () => answer(gone))
    this.tell(holder, (events) =>
      events.kicked(claim, (isGone, wasConnected = false) => {
        gone = isGone
        had = wasConnected
        answered()
      }),
    )
  }

  private unclaim(node: Node, clientId: string): void {
    const client = this.clients.get(clientId)
    if (client?.holder === node) this.giveUp(clientId, client)
  }

  private giveUp(clientId: string, client: Client): void {
    client.holder = null
    if (client.asking.length === 0) this.clients.delete(clientId)
  }

  private kick(node: Node, owner: string, claim: PeerClaim, done: () => void): void {
    const finish = (): void => node.way.defer(done)
    const holder = this.nodes.find(({ name, isGone }) => name === owner && !isGone)
    if (holder === undefined) return finish()
    const answered = this.await(holder, finish)
    this.tell(holder, (events) => events.kicked(claim, answered))
  }

  private countUser(node: Node, username: string, change: 1 | -1 | 0): number {
    const count = (node.users.get(username) ?? 0) + change
    if (count > 0) node.users.set(username, count)
    else node.users.delete(username)
    return this.othersOf(node).reduce((sum, { users }) => sum + (users.get(username) ?? 0), 0)
  }

  private countClean(node: Node, here: number): number {
    node.cleanSessions = here
    return this.othersOf(node).reduce((sum, { cleanSessions }) => sum + cleanSessions, 0)
  }
}
