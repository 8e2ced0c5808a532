/** The work of a cluster, from what single operations cost. CPU in µs, memory in bytes, rates a second. */

/** CPU of an operation: at the client's node, at each other node, at all nats-servers whatever the nodes, and for each node. */
export interface Cost {
  readonly home: number
  readonly other: number
  readonly nats: number
  readonly natsEachNode: number
}

/** CPU of one QoS 1 message: of each entry that it makes in a queue, and of what is done once for all that come together. */
export interface MessageCost {
  readonly each: number
  readonly group: number
  /** What comes within it comes together. */
  readonly groupUs: number
}

export interface Constants {
  /** `client`: of what publishes and receives it, for machines that are shared with that. */
  readonly message: Readonly<Record<'home' | 'receiver' | 'nats' | 'client', MessageCost>>
  /** Of a group of messages, at a node that has nothing to do with it. */
  readonly messageOther: number
  readonly durable: Readonly<Record<'connect' | 'subscribe' | 'leave', Cost>> & {
    /** CONNECT where there is a session with five messages, which are taken. */
    readonly resume: Cost
  }
  readonly clean: Readonly<Record<'connect' | 'subscribe' | 'leave', Cost>>
  /** That a resume costs the servers more, for each message that waits in the queues of all sessions. */
  readonly resumeEachWaiting: number
  readonly pingHome: number
  readonly idle: { readonly node: number; readonly nats: number }
  readonly bytes: {
    readonly node: number
    readonly connection: number
    readonly sessionAtNode: number
    readonly server: number
    readonly sessionAtServer: number
  }
  readonly hopUs: number
}

/** What clients do, each of them. */
export interface Profile {
  readonly name: string
  readonly isDurable: boolean
  /** QoS 1 messages a second that there are for each client, and durable sessions that each goes to. */
  readonly messages: number
  readonly receivers: number
  /** All messages go to these connections; 0: they go to the clients. */
  readonly collectors: number
  readonly reconnects: number
  readonly keepAliveSeconds: number
}

export interface Work {
  /** CPU seconds a second: of all nodes, of all servers, and of the busiest single node. */
  readonly nodes: number
  readonly servers: number
  readonly busiest: number
  readonly records: number
  readonly entries: number
  /** Groups of writes of one node. */
  readonly writes: number
}

const SECOND_US = 1e6
/** CPU of `count` messages, or entries, that come together where so many come a second. */
export function costOfMessages(
  { each, group, groupUs }: MessageCost,
  perSecond: number,
  count: number,
): number {
  return count * (each + group / (1 + (perSecond * groupUs) / SECOND_US))
}

/** CPU of a message at its publisher's node, which is told once of all receivers. */
export function costAtHome(cost: MessageCost, perSecond: number, receivers: number): number {
  return cost.each * (receivers - 1) + costOfMessages(cost, perSecond, 1)
}

/** What `clients` cost `nodes` that serve them. */
export function workOf(
  constants: Constants,
  profile: Profile,
  clients: number,
  nodes: number,
): Work {
  const { message, messageOther, idle } = constants
  const { receivers, collectors } = profile
  const messages = clients * profile.messages
  const perNode = messages / nodes
  const entries = messages * receivers
  const receivedAtOnce = collectors > 0 ? messages : entries / nodes
  const receivedUs = costOfMessages(message.receiver, receivedAtOnce, entries)
  const groups = perNode / (1 + (perNode * message.home.groupUs) / SECOND_US)
  const moves = clients * profile.reconnects
  const costs = movesOf(constants, profile)
  let spreadUs = nodes * idle.node + (clients / profile.keepAliveSeconds) * constants.pingHome
  spreadUs += messages * costAtHome(message.home, perNode, receivers)
  spreadUs += groups * nodes * messageOther * (nodes - 1)
  let serversUs = idle.nats + costOfMessages(message.nats, entries / nodes, entries)
  for (const { home, other, nats, natsEachNode } of costs) {
    spreadUs += moves * (home + other * (nodes - 1))
    serversUs += moves * (nats + natsEachNode * nodes)
  }
  // A connection is at one node: what collectors receive is not spread over all.
  const receiving = collectors > 0 ? Math.min(collectors, nodes) : nodes
  const records = profile.isDurable ? moves * costs.length : 0
  return {
    nodes: (spreadUs + receivedUs) / SECOND_US,
    servers: serversUs / SECOND_US,
    busiest: (spreadUs / nodes + receivedUs / receiving) / SECOND_US,
    records,
    entries,
    writes: groups + records / nodes,
  }
}

/** What a client does that was away: it subscribes anew, as most do. */
function movesOf({ durable, clean }: Constants, { isDurable }: Profile): Cost[] {
  const { subscribe, leave } = isDurable ? durable : clean
  return [isDurable ? durable.resume : clean.connect, subscribe, leave]
}
