/**
 * A packet that a server answers by closing would be sent again after every reconnect, for ever, and nothing else would get
 * through. So what was unanswered when a server closed is sent one packet at a time on the next connection:
 *
 *     closed by the server, a b c unanswered ──▶ next connection: a, answered, b, closed again
 *                                                 ──▶ b is given up; next connection: c, answered ──▶ as usual
 *
 * A server of MQTT 5.0 says why it closes. Without a word it may have been the network as well, a proxy or a restart: the next
 * connection then has to last a little first, and to answer a PINGREQ: its end may have been on the way for long. If it does
 * not, no packet is to blame. And a network that cuts often will at times cut just then: b is given up when its answer was the
 * end {@link SILENT_ENDS_MAX} times, one connection after the other.
 */
import { Reason } from '../codec/reason-codes.ts'
import { DisconnectedError, type MqttError } from './errors.ts'
import { ping } from './keepalive.ts'
import type { Core } from './model.ts'

/** How long a connection has to last, without a packet of ours, before its end is blamed on one. */
const QUIET_MS = 250
/** How long an answer to PINGREQ is awaited then. */
const ANSWER_MS_MAX = 10_000
/** So many ends without a word, each while nothing but this packet was unanswered, are no accident. */
const SILENT_ENDS_MAX = 3

/** Reasons that are the server's own: no packet is to blame. */
const BLAMELESS = new Set<number>([
  Reason.serverShuttingDown,
  Reason.serverBusy,
  Reason.keepAliveTimeout,
  Reason.sessionTakenOver,
  Reason.administrativeAction,
  Reason.useAnotherServer,
  Reason.serverMoved,
  Reason.connectionRateExceeded,
  Reason.maximumConnectTime,
])

/** A server that closes while it still has our bytes to read looks like this. */
const RESET = new Set(['ECONNRESET', 'EPIPE'])

function isByServer(error: MqttError): boolean {
  if (!(error instanceof DisconnectedError) || BLAMELESS.has(error.reason)) return false
  const { cause } = error
  return cause === null || cause === undefined || RESET.has((cause as { code: string }).code)
}

/** The connection was lost while it was online: is a packet to blame? */
export function suspect(core: Core, error: MqttError): void {
  const { probing } = core
  core.probing = null
  core.probes.clear()
  if (core.quiet !== null) {
    endQuiet(core)
    core.suspicion = 'none'
  } else if (!isByServer(error)) return
  else if (probing !== null && isToBlame(core, probing.what, error)) probing.giveUp(error)
  else if (core.exchanges.size > 0) core.suspicion = error.reason >= 0x80 ? 'told' : 'silent'
}

function isToBlame(core: Core, what: object, { reason }: MqttError): boolean {
  if (core.blamed?.what !== what) core.blamed = { what, times: 0 }
  const isGivenUp = reason >= 0x80 || ++core.blamed.times >= SILENT_ENDS_MAX
  if (isGivenUp) core.blamed = null
  return isGivenUp
}

/** A connection was accepted, and {@link Core.probes} are collected: `go` when the first may be sent. */
export function beginProbing(core: Core, go: () => void): void {
  if (core.suspicion !== 'silent' || core.probes.length === 0) return go()
  const ask = () => {
    const timer = core.runtime.setTimer(ANSWER_MS_MAX, () => goOn(core))
    core.quiet = { timer, isAsked: true, go }
    ping(core)
  }
  core.quiet = { timer: core.runtime.setTimer(QUIET_MS, ask), isAsked: false, go }
}

/** PINGRESP came. */
export function endSilence(core: Core): void {
  if (core.quiet?.isAsked === true) goOn(core)
}

function goOn(core: Core): void {
  const { quiet } = core
  endQuiet(core)
  quiet?.go()
}

function endQuiet(core: Core): void {
  if (core.quiet !== null) core.runtime.clearTimer(core.quiet.timer)
  core.quiet = null
}

/** Whether packets go one at a time for now; if so, sends the next one unless one is unanswered. */
export function probe(core: Core): boolean {
  if (core.quiet !== null || core.probing !== null) return true
  const next = core.probes.shift()
  if (next === undefined) core.suspicion = 'none'
  core.probing = next ?? null
  next?.send()
  return next !== undefined
}

/** The server answered `what`: it was not the one. */
export function proven(core: Core, what: object): void {
  if (core.probing?.what === what) core.probing = null
}

/** The client ends. */
export function endProbing(core: Core): void {
  endQuiet(core)
}
