/**
 * `auto_subscribe`: subscriptions that a client has without a SUBSCRIBE, from its CONNACK on. They are the session's like
 * any other: granted by the same rights, kept with it, changed by a SUBSCRIBE of the client, gone with its UNSUBSCRIBE
 * until it comes again. One that the session has already stays as it is.
 */
import { findSubscription } from '../state/own-subscriptions.ts'
import type { SubscribeFilter } from '../../codec/packets.ts'
import type { AutoSubscription } from '../../ports/limits.ts'
import type { Identity } from '../../ports/ports.ts'
import type { Core } from '../state/core.ts'
import { isOpen, type Connection, type OpenConnection } from '../state/model.ts'
import { topicFilterProblem } from '../../topics/names.ts'
import { mountFilter } from '../state/mount-point.ts'
import { logFilter } from '../state/words.ts'
import { replayRetained } from '../routing/retained.ts'
import { grant, subscribeRefusal, tellRefused } from './subscribe.ts'

/** A name with one of these in it would make another filter than was meant. */
const SPECIAL = /[+#/]/

/** Subscribes a client that has just been let in. What is durable of it is safe before anything is queued by it. */
export function autoSubscribe(core: Core, connection: OpenConnection): void {
  if (connection.isOurs) return
  for (const one of core.ports.limits.autoSubscriptions) {
    const filter = filterOf(one, connection.identity)
    const { topicLevelsMax } = core.ports.limits
    if (filter !== null && topicFilterProblem(filter, topicLevelsMax) === null)
      ask(core, connection, { ...DEFAULTS, filter, qos: one.qos })
  }
}

/** What is retained is sent to a subscription that is new. */
const DEFAULTS = { noLocal: false, retainAsPublished: false, retainHandling: 1 } as const

/** null: the client has no such name, or one that does not fit into a filter. */
function filterOf({ filter }: AutoSubscription, who: Identity): string | null {
  const { clientId, username } = who
  if (filter.includes('%c') && (clientId === '' || SPECIAL.test(clientId))) return null
  if (filter.includes('%u') && (!username || SPECIAL.test(username))) return null
  const filled = filter.replace(/%[cu]/g, (name) => (name === '%c' ? clientId : (username ?? '')))
  // A client called `$share` would make `%c/a/b` a shared subscription.
  return filled.startsWith('$') && !filter.startsWith('$') ? null : filled
}

function ask(core: Core, connection: OpenConnection, asked: SubscribeFilter): void {
  const wanted = { ...asked, filter: mountFilter(connection.mount, asked.filter) }
  const { session, identity } = connection
  if (findSubscription(session, wanted.filter) !== undefined) return
  const { subscribe } = core.ports.auth
  const verdict = subscribe === null || subscribe(identity, wanted.filter, wanted.qos)
  if (typeof verdict === 'boolean') return take(core, connection, wanted, verdict)
  void verdict.then((allowed) => take(core, connection, wanted, allowed))
}

function take(core: Core, connection: Connection, wanted: SubscribeFilter, allowed: boolean): void {
  if (!isOpen(connection)) return
  const known = findSubscription(connection.session, wanted.filter)
  const refusal = subscribeRefusal(core, connection, wanted, known, allowed)
  if (refusal !== 0) tellRefused(core, connection, wanted, refusal)
  const isGranted = refusal === 0
  logFilter(core, wanted, isGranted)
  const subscription = isGranted ? grant(core, connection, wanted, known, 0) : null
  if (subscription !== null) replayRetained(core, connection, subscription)
}
