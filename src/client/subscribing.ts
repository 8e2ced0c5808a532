/** SUBSCRIBE and UNSUBSCRIBE, and making subscriptions again for a new session (MQTT 5.0, 3.8 to 3.11). */
import { PacketType, type SubackPacket, type UnsubackPacket } from '../codec/packets.ts'
import { ProtocolError } from '../codec/protocol-error.ts'
import { Reason, reasonText } from '../codec/reason-codes.ts'
import { hasWildcard, isShared, parseShared, topicFilterProblem } from '../topics/names.ts'
import { MqttError, SubscribeRefusedError } from './errors.ts'
import { resume } from './flow.ts'
import {
  report,
  type Core,
  type Exchange,
  type Probe,
  type Unwanted,
  type Wanted,
} from './model.ts'
import { proven } from './probing.ts'
import { nextPacketId, send } from './send.ts'
import { claim } from './unclaimed.ts'

const LEVELS_MAX = 65_535

/** The filter that topics are held against: of a shared one the part behind the group. */
function ownFilter(filter: string): string {
  return parseShared(filter)?.filter ?? filter
}

/** Throws MqttError: `INVALID` on a malformed filter, `UNSUPPORTED` on what the server said it has not. */
export function checkFilter(core: Core, filter: string): void {
  const isText = typeof filter === 'string'
  const problem = isText ? topicFilterProblem(filter, LEVELS_MAX) : 'it is no text'
  if (problem !== null) throw new MqttError('INVALID', `filter '${filter}': ${problem}`)
  if (core.phase !== 'online') return
  const { limits } = core
  if (!limits.sharedAvailable && isShared(filter))
    throw new MqttError('UNSUPPORTED', 'the server has no shared subscriptions')
  if (!limits.wildcardAvailable && hasWildcard(filter))
    throw new MqttError('UNSUPPORTED', 'the server has no wildcard subscriptions')
}

/** Registers what is wanted, so that no message is missed, and asks the server for it, now or when it can be. */
export function want(core: Core, wanted: Wanted): void {
  core.wanted.add(wanted)
  for (const { filter } of wanted.filters) core.sinks.add(ownFilter(filter), wanted.sink)
  for (const id of wanted.properties.subscriptionIds ?? []) core.sinksById.set(id, wanted.sink)
  try {
    if (core.phase === 'online' && core.suspicion === 'none') sendSubscribe(core, wanted)
  } catch (error) {
    unregister(core, wanted)
    throw error
  }
  claim(core)
}

/** From here on nothing is handed to its sink. */
function unregister(core: Core, wanted: Wanted): void {
  if (!core.wanted.delete(wanted)) return
  for (const [index, { filter }] of wanted.filters.entries())
    if ((wanted.codes?.[index] ?? 0) < 0x80) core.sinks.remove(ownFilter(filter), wanted.sink)
  for (const id of wanted.properties.subscriptionIds ?? []) core.sinksById.delete(id)
}

function exchange(core: Core, packetId: number, what: Exchange): void {
  core.exchanges.set(packetId, what)
  resume(core)
}

function sendSubscribe(core: Core, wanted: Wanted): void {
  const packetId = nextPacketId(core)
  const filters = [...wanted.filters]
  send(core, { type: PacketType.subscribe, packetId, filters, properties: wanted.properties })
  exchange(core, packetId, { kind: 'subscribe', wanted })
}

function sendUnsubscribe(core: Core, unwanted: Unwanted): void {
  const packetId = nextPacketId(core)
  const filters = [...unwanted.filters]
  send(core, { type: PacketType.unsubscribe, packetId, filters, properties: unwanted.properties })
  exchange(core, packetId, { kind: 'unsubscribe', unwanted })
}

/** Takes `kind`'s exchange out; null for an answer to nothing, which is left alone. */
function answered<Kind extends 'subscribe' | 'unsubscribe'>(
  core: Core,
  kind: Kind,
  packetId: number,
): Extract<Exchange, { kind: Kind }> | null {
  const found = core.exchanges.get(packetId)
  if (found?.kind !== kind) return null
  core.exchanges.delete(packetId)
  core.pumpWanted = true
  return found as Extract<Exchange, { kind: Kind }>
}

function checkCount(name: string, codes: readonly number[], asked: number): void {
  if (codes.length === asked) return
  const text = `${name} with ${codes.length} codes for ${asked} filters`
  throw new ProtocolError(Reason.protocolError, text)
}

/** Throws ProtocolError 0x82 on more or fewer codes than filters [MQTT-3.9.3-1]. */
export function onSuback(core: Core, { packetId, codes, properties }: SubackPacket): void {
  const found = answered(core, 'subscribe', packetId)
  if (found === null) return
  const { wanted } = found
  proven(core, wanted)
  checkCount('SUBACK', codes, wanted.filters.length)
  const isNew = wanted.codes === null
  const refused = codes.every((code) => code >= 0x80)
  for (const [index, { filter }] of wanted.filters.entries()) {
    const was = wanted.codes?.[index] ?? 0
    if (codes[index] >= 0x80 && was < 0x80) core.sinks.remove(ownFilter(filter), wanted.sink)
    if (codes[index] < 0x80 && was >= 0x80) core.sinks.add(ownFilter(filter), wanted.sink)
  }
  wanted.codes = codes
  if (!refused) return wanted.granted(codes)
  core.wanted.delete(wanted)
  for (const id of wanted.properties.subscriptionIds ?? []) core.sinksById.delete(id)
  const said = properties.reasonString === undefined ? '' : `: ${properties.reasonString}`
  const text = `subscription to ${namesOf(wanted)} refused: ${reasonText(codes[0])}${said}`
  tell(core, wanted, new SubscribeRefusedError(text, codes, properties), isNew)
}

function namesOf({ filters }: Wanted): string {
  return filters.map(({ filter }) => `'${filter}'`).join(', ')
}

/** @param isNew Its caller still waits for the first answer. */
function tell(core: Core, wanted: Wanted, error: MqttError, isNew: boolean): void {
  wanted.refused(error)
  wanted.sink.close(error)
  if (!isNew) report(core, error)
}

/** Throws ProtocolError 0x82 on more or fewer codes than filters [MQTT-3.11.3-1]. */
export function onUnsuback(core: Core, { packetId, codes }: UnsubackPacket): void {
  const found = answered(core, 'unsubscribe', packetId)
  if (found === null) return
  const { unwanted } = found
  proven(core, unwanted)
  if (core.settings.version === 5) checkCount('UNSUBACK', codes, unwanted.filters.length)
  core.unwanted.delete(unwanted)
  unwanted.done(core.settings.version === 5 ? codes : unwanted.filters.map(() => 0))
}

/** Tells the server, now or when it can be. */
export function unwant(core: Core, unwanted: Unwanted): void {
  if (core.phase === 'online' && core.suspicion === 'none') sendUnsubscribe(core, unwanted)
  core.unwanted.add(unwanted)
}

/** Ends a subscription here; returns the filters that nothing else here needs, for UNSUBSCRIBE. */
export function endWanted(core: Core, wanted: Wanted): string[] {
  if (!core.wanted.has(wanted)) return []
  unregister(core, wanted)
  wanted.sink.close(null)
  // Whether an answer comes any more is left open: it may have been asked for, or not yet.
  if (wanted.codes === null)
    wanted.refused(new MqttError('ENDED', `${namesOf(wanted)}: left before the server answered`))
  const kept = new Set<string>()
  for (const { filters } of core.wanted) for (const { filter } of filters) kept.add(filter)
  return wanted.filters.map(({ filter }) => filter).filter((filter) => !kept.has(filter))
}

/** A new connection: with the session kept, only what was not answered is asked for again. */
export function resumeSubscriptions(core: Core, sessionPresent: boolean): void {
  for (const [packetId, { kind }] of core.exchanges)
    if (kind !== 'publish') core.exchanges.delete(packetId)
  for (const wanted of core.wanted) {
    if (sessionPresent && wanted.codes !== null) continue
    if (core.suspicion !== 'none') core.probes.push(subscribeProbe(core, wanted))
    else sendSubscribe(core, wanted)
  }
  for (const unwanted of core.unwanted) {
    if (sessionPresent) {
      if (core.suspicion !== 'none') core.probes.push(unsubscribeProbe(core, unwanted))
      else sendUnsubscribe(core, unwanted)
      continue
    }
    core.unwanted.delete(unwanted)
    unwanted.done(unwanted.filters.map(() => 0))
  }
}

function closedAgain(filters: string, { reason, properties }: MqttError): MqttError {
  const text = `the server closed the connection each time for ${filters}`
  return new SubscribeRefusedError(text, [reason], properties)
}

function subscribeProbe(core: Core, wanted: Wanted): Probe {
  return {
    what: wanted,
    send: () => sendSubscribe(core, wanted),
    giveUp(error) {
      const isNew = wanted.codes === null
      unregister(core, wanted)
      tell(core, wanted, closedAgain(namesOf(wanted), error), isNew)
    },
  }
}

function unsubscribeProbe(core: Core, unwanted: Unwanted): Probe {
  return {
    what: unwanted,
    send: () => sendUnsubscribe(core, unwanted),
    giveUp(error) {
      core.unwanted.delete(unwanted)
      unwanted.failed(closedAgain(unwanted.filters.join(', '), error))
    },
  }
}

/** What came up while packets went one at a time. */
export function sendUnsent(core: Core): void {
  const sent = new Set<object>()
  for (const one of core.exchanges.values()) {
    if (one.kind === 'subscribe') sent.add(one.wanted)
    else if (one.kind === 'unsubscribe') sent.add(one.unwanted)
  }
  for (const wanted of core.wanted)
    if (wanted.codes === null && !sent.has(wanted)) sendSubscribe(core, wanted)
  for (const unwanted of core.unwanted) if (!sent.has(unwanted)) sendUnsubscribe(core, unwanted)
}

/** The client ends. `error` null: by its own program. */
export function closeSubscriptions(core: Core, error: Error | null, rejection: Error): void {
  for (const wanted of core.wanted) {
    if (wanted.codes === null) wanted.refused(rejection)
    wanted.sink.close(error)
  }
  for (const unwanted of core.unwanted) unwanted.failed(rejection)
  core.wanted.clear()
  core.unwanted.clear()
}
