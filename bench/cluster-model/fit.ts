/** The constants of the model, from two probes of clusters of different size and one run with many sessions. */
import type { LifePoint, Probe, SessionsRun } from './measured.ts'
import { costAtHome, costOfMessages, type Constants, type Cost, type MessageCost } from './model.ts'
import { subackTimes } from './size.ts'
import { simulateSuback } from './suback.ts'

const SECOND_US = 1e6
const SERVERS = 3
const GROUP_US = { least: 200, most: 8000, step: 100 }
const HOP_US_MAX = 5000
const DESCENTS = 400
/** A broker, and a nats-server, with nothing in it. */
export const NODE_BYTES = 64 * 2 ** 20
export const SERVER_BYTES = 32 * 2 ** 20
/** Messages for each session of `cluster:measure sessions`. */
export const WAITING_EACH = 5
/** SUBSCRIBEs a second of the probe. */
export const PROBE_SUBSCRIBES = 50

type MessagePlace = keyof Constants['message']

interface Point {
  readonly place: MessagePlace
  readonly rate: number
  readonly receivers: number
  readonly cost: number
}

/** CPU of a message of a flow of the probe, all of which comes to one node. */
export function costInFlow(
  place: MessagePlace,
  cost: MessageCost,
  { rate, receivers }: Pick<Point, 'rate' | 'receivers'>,
): number {
  if (place === 'home') return costAtHome(cost, rate, receivers)
  return costOfMessages(cost, rate * receivers, receivers)
}

const mean = (numbers: readonly number[]): number =>
  numbers.reduce((a, b) => a + b, 0) / numbers.length

const tenth = (value: number): number => Math.round(Math.max(0, value) * 10) / 10

/** From probes with `few` and `many` nodes, and runs with some and with more sessions. */
export function fit(few: Probe, many: Probe, run: SessionsRun, larger: SessionsRun): Constants {
  const node = line(run, larger, ({ bytesNode }) => bytesNode)
  const server = line(run, larger, ({ bytesServer }) => bytesServer)
  const probes = [few, many]
  const places = ['home', 'receiver', 'nats', 'client'] as const
  const { resume, eachWaiting } = resumeOf(run, larger)
  const message = Object.fromEntries(
    places.map((place) => [place, fitMessage(pointsOf(probes, place))]),
  ) as Constants['message']
  const life = (kind: 'durable' | 'clean'): Constants['clean'] => ({
    connect: costOfLife(few, many, (probe) => probe[kind].connect),
    subscribe: costOfLife(few, many, (probe) => probe[kind].subscribe),
    leave: costOfLife(few, many, (probe) => probe[kind].leave),
  })
  const constants = {
    message,
    messageOther: otherOf(many, message.home.groupUs),
    durable: { ...life('durable'), resume },
    resumeEachWaiting: eachWaiting,
    clean: life('clean'),
    pingHome: tenth(mean(probes.map((probe) => probe.clean.ping.home))),
    idle: {
      node: tenth(mean(probes.map((probe) => probe.idle.home))),
      nats: tenth(mean(probes.map((probe) => probe.idle.nats))),
    },
    bytes: {
      node: NODE_BYTES + node.atFirst,
      connection: Math.round(mean(probes.map((probe) => probe.clean.bytesConnected.home))),
      sessionAtNode: node.each,
      server: SERVER_BYTES + server.atFirst,
      sessionAtServer: server.each,
    },
    hopUs: 0,
  }
  return { ...constants, hopUs: fitHop(constants, probes) }
}

/** Memory grows by steps: the first sessions bring more than the next ones. */
function line(run: SessionsRun, larger: SessionsRun, each: (run: SessionsRun) => number) {
  const all = (one: SessionsRun): number => each(one) * one.sessions
  const slope = Math.round((all(larger) - all(run)) / (larger.sessions - run.sessions))
  return { each: slope, atFirst: Math.round(all(run) - slope * run.sessions) }
}

function pointsOf(probes: readonly Probe[], place: MessagePlace): Point[] {
  return probes.flatMap(({ flows, idle }) =>
    flows.map(({ rate, receivers, cost, client }) => ({
      place,
      rate,
      receivers,
      cost: place === 'client' ? client : cost[place] - idle[place] / rate,
    })),
  )
}

/** The one of all group times that errs least. */
function fitMessage(points: readonly Point[]): MessageCost {
  const count = 1 + (GROUP_US.most - GROUP_US.least) / GROUP_US.step
  const fits = Array.from({ length: count }, (_, step) =>
    fitWithin(points, GROUP_US.least + step * GROUP_US.step),
  )
  return fits.reduce((a, b) => (b.error < a.error ? b : a)).cost
}

/** Least squares of the relative errors, neither of the two below 0: one after the other, in turn. */
function fitWithin(
  points: readonly Point[],
  groupUs: number,
): { cost: MessageCost; error: number } {
  const rows = points.map((point) => {
    const part = (each: number, group: number): number =>
      costInFlow(point.place, { each, group, groupUs }, point) / point.cost
    return [part(1, 0), part(0, 1)]
  })
  const found = [0, 0]
  const missing = (row: number[]): number => 1 - row.reduce((all, x, k) => all + x * found[k], 0)
  for (let descent = 0; descent < DESCENTS; descent++)
    for (let k = 0; k < found.length; k++) {
      const across = rows.reduce((all, row) => all + row[k] * (missing(row) + row[k] * found[k]), 0)
      found[k] = Math.max(0, across / rows.reduce((all, row) => all + row[k] ** 2, 0))
    }
  const [each, group] = found.map(tenth)
  const error = rows.reduce((all, row) => all + missing(row) ** 2, 0)
  return { cost: { each, group, groupUs }, error }
}

/** Of a group, at a node that has no part in it. */
function otherOf({ flows, idle }: Probe, groupUs: number): number {
  const costs = flows
    .filter(({ receivers }) => receivers === 1)
    .map(({ rate, cost }) => (cost.other - idle.other / rate) * (1 + (rate * groupUs) / SECOND_US))
  return tenth(mean(costs))
}

function costOfLife(few: Probe, many: Probe, of: (probe: Probe) => LifePoint['connect']): Cost {
  const [a, b] = [of(few), of(many)]
  const natsEachNode = Math.max(0, (b.nats - a.nats) / (many.nodes - few.nodes))
  return {
    home: tenth(mean([a.home, b.home])),
    other: tenth(mean([a.other, b.other])),
    nats: tenth(mean([a.nats, b.nats]) - (natsEachNode * (few.nodes + many.nodes)) / 2),
    natsEachNode: tenth(natsEachNode),
  }
}

/** That a server has more to do with more nodes cannot be seen in runs with as many. */
function resumeOf(run: SessionsRun, larger: SessionsRun): { resume: Cost; eachWaiting: number } {
  const more = larger.resumedNats - run.resumedNats
  const eachWaiting = Math.max(0, more / ((larger.sessions - run.sessions) * WAITING_EACH))
  const resume = {
    home: run.resumedHome,
    other: run.resumedOther,
    nats: tenth(run.resumedNats - eachWaiting * run.sessions * WAITING_EACH),
    natsEachNode: 0,
  }
  return { resume, eachWaiting: Math.round(eachWaiting * 10_000) / 10_000 }
}

/** So long is one hop that SUBSCRIBEs without other load take as long as was measured, on the whole. */
function fitHop(constants: Constants, probes: readonly Probe[]): number {
  let [low, high] = [0, HOP_US_MAX]
  while (high - low > 1) {
    const hopUs = (low + high) / 2
    const ratios = probes.map(({ nodes, subscribeDelays }) => {
      const { p50us } = subscribeDelays.find(({ rate }) => rate === 0)!
      return quietSubackUs({ ...constants, hopUs }, nodes) / p50us
    })
    if (mean(ratios) < 1) low = hopUs
    else high = hopUs
  }
  return Math.round(low)
}

function quietSubackUs(constants: Constants, nodes: number): number {
  const quiet = { share: 0, jobUs: 0 }
  const load = {
    nodes,
    servers: SERVERS,
    node: quiet,
    server: quiet,
    writes: 0,
    otherWrites: 0,
    subscribes: PROBE_SUBSCRIBES,
  }
  return simulateSuback(load, subackTimes(constants, { networkUs: 0, syncUs: 0 })).p50Us
}
