/** Nodes joined by Peers, that note what they are told; what tests of every implementation do with them. */
import assert from 'node:assert/strict'
import type { Qos } from '../../src/codec/packets.ts'
import { createMessage, type Message } from '../../src/ports/message.ts'
import type { PeerClaim, Peers, PeerWill } from '../../src/ports/peers.ts'
import { contentOf, textOf } from '../store/told.ts'

export interface PeersSetup {
  /** A node more; it has not started yet. */
  join(name: string): Promise<Peers>
  /** The node dies: nothing of it comes any more, in either direction. */
  leave(name: string): Promise<void>
  /** Lets time pass until `condition` holds; throws when it does not within what is reasonable. */
  until(condition: () => boolean): Promise<void>
  /** Lets everything arrive that is under way. */
  settle(): Promise<void>
  dispose(): Promise<void>
}

export function message(topic: string, payload: string, qos: Qos = 1): Message {
  const made = createMessage({
    topic,
    payload: new TextEncoder().encode(payload),
    qos,
    retain: true,
    properties: { messageExpirySeconds: 60, contentType: 'text', userProperties: [['a', 'ö']] },
    publisher: 'publisher',
    publisherUser: 'user',
    wallMs: 1e12,
  })
  made.publisherOrigin = '1883'
  return made
}

interface Got {
  readonly content: ReturnType<typeof contentOf>
  readonly text: string
  readonly plain: boolean
  readonly groups: readonly string[]
}

/** A node that notes what it is told, and answers kicks. */
export class PeerNode {
  readonly name: string
  readonly peers: Peers
  readonly got: Got[] = []
  /** By `group/filter`. */
  readonly wanted = new Map<string, { always: number; qos0: number; members: number }>()
  readonly kicked: PeerClaim[] = []
  readonly orphaned: [string, PeerWill][] = []
  /** How it answers kicks; they wait while this is null. */
  answer: ((claim: PeerClaim) => boolean) | null = () => true
  /** What it says of its place when it lets a client go. */
  had = false
  private readonly waiting: (() => void)[] = []

  constructor(name: string, peers: Peers) {
    this.name = name
    this.peers = peers
    let inCall = true
    peers.start({
      wanted: (filter, group, always, qos0, members) => {
        assert.ok(!inCall, 'told within the call')
        const key = `${group}/${filter}`
        if ((always | qos0) === 0) this.wanted.delete(key)
        else this.wanted.set(key, { always, qos0, members })
      },
      published: (sent, plain, groups) =>
        void this.got.push({ content: contentOf(sent), text: textOf(sent), plain, groups }),
      kicked: (claim, done) => {
        this.kicked.push(claim)
        this.waiting.push(() =>
          done((this.answer as (claim: PeerClaim) => boolean)(claim), this.had),
        )
        this.answerKicks()
      },
      orphaned: (clientId, will) => void this.orphaned.push([clientId, will]),
    })
    inCall = false
  }

  answerKicks(): void {
    if (this.answer !== null) for (const done of this.waiting.splice(0)) done()
  }

  want(filter: string, always = 1, qos0 = 0, group = ''): void {
    this.peers.interest(filter, group, { always, qos0 })
  }

  /** The mask of nodes that want a filter. */
  mask(filter: string): number {
    return this.wanted.get(`/${filter}`)?.always ?? 0
  }

  get texts(): string[] {
    return this.got.map(({ text }) => text)
  }
}

export class Stage {
  readonly setup: PeersSetup
  readonly nodes: readonly PeerNode[]

  constructor(setup: PeersSetup, nodes: readonly PeerNode[]) {
    this.setup = setup
    this.nodes = nodes
  }

  async barrier({ peers }: PeerNode): Promise<void> {
    let isDone = false
    peers.barrier(() => (isDone = true))
    assert.ok(!isDone, 'done within the call')
    await this.setup.until(() => isDone)
  }

  async claim({ peers }: PeerNode, claim: PeerClaim): Promise<boolean> {
    let answer: boolean | null = null
    peers.claim(claim, (granted) => (answer = granted))
    assert.equal(answer, null, 'done within the call')
    await this.setup.until(() => answer !== null)
    return answer as unknown as boolean
  }
}

export type Check = (
  what: string,
  run: (stage: Stage) => Promise<void>,
  names?: readonly string[],
) => void

export interface PeersTraits {
  /** Who has left a group is known sooner than a node hears of it: what nobody else can take comes back to it. Absent: it knows itself. */
  readonly isAhead?: boolean
  /** Of a shared group every member everywhere gets its share. Absent: one node gets each message, that is all. */
  readonly fair?: boolean
  /** Nodes of one process go together: they leave nothing to be said. */
  readonly diesAlone?: boolean
}
