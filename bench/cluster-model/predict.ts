/** What the model says of measurements that its constants do not come from: all of it on one machine of two cores. */
import { costInFlow, NODE_BYTES, PROBE_SUBSCRIBES, SERVER_BYTES, WAITING_EACH } from './fit.ts'
import type { Measured, Probe, RateRun, SessionsRun } from './measured.ts'
import type { Constants, Cost } from './model.ts'
import { subackTimes } from './size.ts'
import { simulateSuback } from './suback.ts'

export interface Checked {
  readonly when: string
  readonly what: string
  readonly predicted: number
  readonly measured: number
}

const CORES = 2
const NODES = 3
const SERVERS = 3
const SECOND_US = 1e6
const LOOPBACK = { networkUs: 0, syncUs: 0 }
const mib = (bytes: number): number => bytes / 2 ** 20

/** `fittedNodes`: of the probes that the constants come from; their quiet SUBACKs were used. So were the sizes of `fittedSessions`. */
export function check(
  constants: Constants,
  measured: Measured,
  fittedNodes: readonly number[],
  fittedSessions: readonly number[],
): Checked[] {
  const isFitted = ({ nodes }: Probe): boolean => fittedNodes.includes(nodes)
  return [
    ...measured.sessions
      .filter(({ sessions }) => !fittedSessions.includes(sessions))
      .flatMap((run) => checkSessions(constants, run)),
    ...measured.rates.map((run) => checkRate(constants, run)),
    ...measured.probes.flatMap((probe) => [
      ...(isFitted(probe) ? [] : checkCosts(constants, probe)),
      ...checkDelays(constants, probe, isFitted(probe)),
    ]),
  ]
}

const atNodes = ({ home, other }: Cost): number => home + other * (NODES - 1)
const atServers = ({ nats, natsEachNode }: Cost): number => nats + natsEachNode * NODES

function checkSessions(constants: Constants, run: SessionsRun): Checked[] {
  const { message, durable, bytes } = constants
  const { connect, subscribe, leave } = durable
  const made = [connect, subscribe, leave]
  const total = (costs: readonly Cost[], one: (cost: Cost) => number): number =>
    costs.reduce((all, cost) => all + one(cost), 0)
  const row = (what: string, predicted: number, value: number): Checked => ({
    when: run.when,
    what: `${run.sessions} sessions, ${what}`,
    predicted,
    measured: value,
  })
  return [
    row(
      'made: CPU µs of nodes',
      total(made, atNodes) + WAITING_EACH * message.home.each,
      run.madeNodes,
    ),
    row(
      'made: CPU µs of servers',
      total(made, atServers) + WAITING_EACH * message.nats.each,
      run.madeNats,
    ),
    row(
      'resumed: CPU µs of nodes',
      atNodes(durable.resume),
      run.resumedHome + run.resumedOther * (NODES - 1),
    ),
    row(
      'resumed: CPU µs of servers',
      atServers(durable.resume) + constants.resumeEachWaiting * run.sessions * WAITING_EACH,
      run.resumedNats,
    ),
    row(
      'MiB more at a node',
      mib(bytes.node - NODE_BYTES + bytes.sessionAtNode * run.sessions),
      mib(run.bytesNode * run.sessions),
    ),
    row(
      'MiB more at a server',
      mib(bytes.server - SERVER_BYTES + bytes.sessionAtServer * run.sessions),
      mib(run.bytesServer * run.sessions),
    ),
  ]
}

/** CPU µs of a message, all that it costs on the one machine. */
function wholeCost(constants: Constants, rate: number, nodes: number): number {
  const { message, messageOther } = constants
  const places = ['home', 'receiver', 'nats', 'client'] as const
  const flow = { rate, receivers: 1 }
  const each = places.map((place) => costInFlow(place, message[place], flow))
  const others = ((nodes - 2) * messageOther) / (1 + (rate * message.home.groupUs) / SECOND_US)
  return each.reduce((a, b) => a + b, 0) + others
}

/** As many as the cores have time for. */
function checkRate(constants: Constants, { when, rate }: RateRun): Checked {
  let [low, high] = [0, SECOND_US]
  while (high - low > 1) {
    const middle = (low + high) / 2
    if (middle * wholeCost(constants, middle, NODES) < CORES * SECOND_US) low = middle
    else high = middle
  }
  return { when, what: `QoS 1 messages/s, ${NODES} nodes`, predicted: low, measured: rate }
}

function checkCosts(constants: Constants, { when, nodes, flows, idle }: Probe): Checked[] {
  return flows.map(({ rate, receivers, cost }) => ({
    when,
    what: `${nodes} nodes, ${rate} QoS 1 messages/s to ${receivers}: CPU µs each, servers`,
    predicted: costInFlow('nats', constants.message.nats, { rate, receivers }) + idle.nats / rate,
    measured: cost.nats,
  }))
}

function checkDelays(
  constants: Constants,
  { when, nodes, subscribeDelays }: Probe,
  isFitted: boolean,
): Checked[] {
  return subscribeDelays
    .filter(({ rate }) => !isFitted || rate > 0)
    .map(({ rate, p50us }) => ({
      when,
      what: `${nodes} nodes, ${rate} messages/s: SUBACK, median µs`,
      predicted: sharedSubackUs(constants, nodes, rate),
      measured: p50us,
    }))
}

/** Where all processes share the cores each step takes longer, as in M/M/2 with processor sharing. */
function sharedSubackUs(constants: Constants, nodes: number, rate: number): number {
  const { message } = constants
  const busy = Math.min(BUSY_MOST, (rate * wholeCost(constants, rate, nodes)) / (CORES * SECOND_US))
  const longer = 1 / (1 - busy ** CORES)
  const share = (place: 'home' | 'nats'): number =>
    Math.min(
      BUSY_MOST,
      (rate * costInFlow(place, message[place], { rate, receivers: 1 })) / SECOND_US,
    )
  const times = Object.fromEntries(
    Object.entries(subackTimes(constants, LOOPBACK)).map(([name, us]) => [name, us * longer]),
  ) as unknown as ReturnType<typeof subackTimes>
  const load = {
    nodes,
    servers: SERVERS,
    node: { share: share('home'), jobUs: JOB_US * longer },
    server: { share: share('nats') / SERVERS, jobUs: JOB_US * longer },
    writes: rate,
    otherWrites: 0,
    subscribes: PROBE_SUBSCRIBES,
  }
  return simulateSuback(load, times).p50Us
}

const BUSY_MOST = 0.95
const JOB_US = 100
