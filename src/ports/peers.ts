/**
 * Other nodes of the same broker: threads of one process, or processes of a cluster. One set of durable data stands
 * behind all of them (`Store`); what is not stored goes between them by this port:
 *
 *     node a                                                   node b
 *       SUBSCRIBE ─ interest ─▶ ┐                       ┌ ─▶ wanted ─ into its trie
 *       SUBACK ◀─ barrier done ─┘ every node has it     └
 *       PUBLISH ─ its own receivers, appends for durable sessions wherever they are
 *               └ publish(nodes, groups) ─ ─ ─ ─ ─ ─ ─ ─ ▶ published ─ receivers whose clients are at b
 *       CONNECT ─ claim ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ▶ kicked ─ lets the client go, then done
 *
 * What goes which way: a durable session is owed a message at QoS 1 and 2 through the store (`Store.append`, then
 * `StoreEvents.arrived` where its client is), so PUBACK waits for the batch and for nothing of this port. Clean sessions, and
 * QoS 0, get it by `publish`: no acknowledgement waits for that, for a clean session is gone with its node.
 */
import type { Message } from './message.ts'

/** Who wants to connect, as other nodes have to know. */
export interface PeerClaim {
  readonly clientId: string
  readonly username: string | null
  /** Nothing of the session before it is to go on. */
  readonly cleanStart: boolean
  /** Its user may have no session more: it can take one of its own, and no other user's. */
  readonly isFull: boolean
}

/** What a client left to be said if its node should be gone. */
export interface PeerWill {
  readonly message: Message
  readonly delaySeconds: number
  readonly username: string | null
  readonly remote: string
  readonly origin: string
}

/**
 * What nodes want of a filter. `always`: subscriptions of clean sessions, of anybody at QoS 0, and of subscribers inside
 * the process. `qos0`: those of durable sessions at QoS 1 or 2, which need by this port only what was published at QoS 0.
 * A node counts the subscriptions of clients that are connected to it, and a clean session's.
 */
export interface Interest {
  readonly always: number
  readonly qos0: number
}

/**
 * What peers tell the core; never from within a call of {@link Peers}, and in the order in which the other node did it: what one node
 * published for one other node arrives in that order.
 */
export interface PeersEvents {
  /**
   * What other nodes want of `filter` (without `$share/…`; `group` empty: not shared) is this from now on, all of them together.
   * `always` and `qos0` are bit masks of nodes, 0: nobody wants it; what a bit means is the adapter's business (1 will
   * do for "somebody"). `members`: of a group, how many members count as `always`, as far as known, so that they get their share.
   */
  wanted(filter: string, group: string, always: number, qos0: number, members: number): void
  /**
   * Another node published. `groups`: the shared groups ("group/filter") this node was chosen to serve. `plain` false: nobody but
   * those groups gets it. The message may borrow its bytes.
   */
  published(message: Message, plain: boolean, groups: readonly string[]): void
  /**
   * The client connects elsewhere: let it go. `done(true)` once it is gone, with what that wrote given to the store before;
   * `done(false)`: it is another user's, and stays, as it does when the claim is of a user who has no room for it. `had`: it had
   * a place in the bounds on sessions, which is the other's now.
   */
  kicked(claim: PeerClaim, done: (gone: boolean, had?: boolean) => void): void
  /**
   * A node is gone, and this one was chosen to publish what its client left: where it keeps the session, when the delay is over.
   * `delaySeconds` 0: now.
   */
  orphaned(clientId: string, will: PeerWill): void
}

/** Joins this node to the others. */
export interface Peers {
  start(events: PeersEvents): void
  /** This node wants that of a filter from now on; both 0: nothing any more. Arguments as in {@link PeersEvents.wanted}. */
  interest(filter: string, group: string, own: Interest): void
  /**
   * Calls `done` when everything of this node that came before is known to every other node that may still answer a client (`interest`, and
   * subscriptions in batches that are committed), and this node has been told in turn whatever the others wrote into the store
   * before they knew of it. Behind it SUBACK means every node, and no retained message falls between. Calls end in their order.
   */
  barrier(done: () => void): void
  /**
   * Sends to `nodes`, the mask of those who want it, and to one node for each of `groups` ("group/filter"), chosen among those with
   * members. Where this one may not have heard yet that no other node has any, it comes back by {@link PeersEvents.published}, behind
   * that news. A node gets it once, with all that is meant for it. The message may borrow its bytes: they are the caller's again
   * when this returns. False: too much is under way; whoever can wait should.
   */
  publish(message: Message, nodes: number, groups: readonly string[]): boolean
  /**
   * A client connects here. `done(true)` once every other node has let it go, or cannot answer any more, and the store has told
   * this one of the session that the client id has by then; this node has it until `unclaim`. Of two nodes that claim at once one is kicked by the other. `done(false)`: it belongs to another user, and stays.
   * `had`: another node let it go, and its place in the bounds on sessions is free for it.
   */
  claim(claim: PeerClaim, done: (granted: boolean, had?: boolean) => void): void
  /** Its client is gone, or did not get in. Nothing happens when another node has claimed it meanwhile. */
  unclaim(clientId: string): void
  /** The store says that `node` holds the session: asks it to let the client go; `done` when it did or cannot answer any more. */
  kick(node: string, claim: PeerClaim, done: () => void): void
  /**
   * What to publish if this node is gone, by the client's last CONNECT; null: nothing any more, said of all who leave, though it may
   * have been published and not be stored yet; 'unwanted': nothing, it never will be. `done`: it outlives this node by now, or cannot
   * for now.
   */
  will(clientId: string, will: PeerWill | 'unwanted' | null, done?: () => void): void
  /** Tells how many clean sessions are here; returns how many are at the other nodes, as far as known. */
  cleanSessions(here: number): number
  /** A clean session of this user came here, or went; 0: neither. Returns how many are at the other nodes, as far as known. */
  userSessions(username: string, change: 1 | -1 | 0): number
}
