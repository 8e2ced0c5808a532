/** How many nodes and nats-servers so many clients need. */
import { workOf, type Constants, type Profile } from './model.ts'
import { simulateSuback, type Delay, type SubackTimes } from './suback.ts'

/** Of machines and of how much of them is used. */
export interface Limits {
  readonly shareMax: number
  readonly serverCores: number
  readonly connectionsMax: number
  readonly nodesMax: number
  readonly nodeBytesMax: number
  readonly serverBytesMax: number
  readonly replicas: number
  /** Session records that one stream takes, and queue entries that one partition does, a second. */
  readonly recordsMax: number
  readonly entriesMax: number
  readonly networkUs: number
  readonly syncUs: number
}

export interface Size {
  readonly clients: number
  /** Clusters that know nothing of each other. */
  readonly cells: number
  /** Of one cell. One of each may be gone. */
  readonly nodes: number
  readonly servers: number
  readonly partitions: number
  readonly nodeShare: number
  readonly busiestShare: number
  readonly serverShare: number
  readonly nodeBytes: number
  readonly serverBytes: number
  readonly suback: Delay
}

const SERVERS_LEAST = 3
const SERVERS_MOST = 15
const NODES_LEAST = 3
const CELLS_MOST = 1000
const PARTITIONS_LEAST = 3

/** The fewest nodes and servers of one cluster; null: one cluster cannot. */
function sizeOfCell(
  constants: Constants,
  profile: Profile,
  limits: Limits,
  clients: number,
): Omit<Size, 'suback' | 'cells'> | null {
  const { bytes } = constants
  const sessions = profile.isDurable ? clients : profile.collectors
  for (let nodes = NODES_LEAST; nodes <= limits.nodesMax; nodes++) {
    const left = nodes - 1
    const work = workOf(constants, profile, clients, left)
    const nodeBytes =
      bytes.node + sessions * bytes.sessionAtNode + (clients / left) * bytes.connection
    if (
      sessions * bytes.sessionAtNode > limits.nodeBytesMax ||
      work.records > limits.shareMax * limits.recordsMax
    )
      return null
    if (clients / left > limits.connectionsMax || nodeBytes > limits.nodeBytesMax) continue
    if (work.busiest > limits.shareMax) continue
    const servers = serversFor(constants, limits, sessions, work.servers)
    if (servers === null) return null
    const usual = workOf(constants, profile, clients, nodes)
    return {
      clients,
      nodes,
      servers,
      partitions: Math.max(
        PARTITIONS_LEAST,
        Math.ceil(work.entries / (limits.shareMax * limits.entriesMax)),
      ),
      nodeShare: usual.nodes / nodes,
      busiestShare: usual.busiest,
      serverShare: usual.servers / (servers * limits.serverCores),
      nodeBytes,
      serverBytes: serverBytes(constants, limits, sessions, servers),
    }
  }
  return null
}

const serverBytes = (
  { bytes }: Constants,
  { replicas }: Limits,
  sessions: number,
  servers: number,
): number => bytes.server + (sessions * bytes.sessionAtServer * replicas) / servers

/** An odd number, of which one may be gone. */
function serversFor(
  constants: Constants,
  limits: Limits,
  sessions: number,
  work: number,
): number | null {
  for (let servers = SERVERS_LEAST; servers <= SERVERS_MOST; servers += 2) {
    const isQuickEnough = work <= limits.shareMax * limits.serverCores * (servers - 1)
    if (isQuickEnough && serverBytes(constants, limits, sessions, servers) <= limits.serverBytesMax)
      return servers
  }
  return null
}

/** As few cells as can serve them all. Throws RangeError when none of any number of cells can. */
export function sizeOf(
  constants: Constants,
  profile: Profile,
  limits: Limits,
  clients: number,
): Size {
  for (let cells = 1; cells <= CELLS_MOST; cells++) {
    const size = sizeOfCell(constants, profile, limits, clients / cells)
    if (size === null) continue
    return {
      ...size,
      clients,
      cells,
      suback: subackOf(constants, profile, limits, clients / cells, size),
    }
  }
  throw new RangeError(`${profile.name}: no number of cells serves ${clients} clients`)
}

/** Times of the model's steps, from the constants. */
export function subackTimes(
  constants: Constants,
  { networkUs, syncUs }: Pick<Limits, 'networkUs' | 'syncUs'>,
): SubackTimes {
  const { home, other, nats } = constants.durable.subscribe
  return {
    hopUs: constants.hopUs,
    networkUs,
    syncUs,
    subscribeUs: home,
    rowUs: nats / SERVERS_LEAST,
    questionUs: other,
  }
}

function subackOf(
  constants: Constants,
  profile: Profile,
  limits: Limits,
  clients: number,
  size: Pick<Size, 'nodes' | 'servers' | 'busiestShare' | 'serverShare'>,
): Delay {
  const { nodes, servers } = size
  const { writes } = workOf(constants, profile, clients, nodes)
  const times = subackTimes(constants, limits)
  const load = {
    nodes,
    servers,
    node: { share: size.busiestShare, jobUs: constants.message.home.group / 2 },
    server: { share: size.serverShare, jobUs: times.rowUs },
    writes,
    otherWrites: writes,
    subscribes: Math.max(LEAST_SUBSCRIBES, (clients * profile.reconnects) / nodes),
  }
  return simulateSuback(load, times)
}

/** So many are asked for at least, or there is nothing to time. */
const LEAST_SUBSCRIBES = 0.1
