/** From a message to copies on their way: 3.3.1.3, 3.8.3.1, 4.7, 4.8. */
import {
  matches,
  type Candidate,
  type Message,
  type Session,
  type State,
  type Subscription,
} from './state.ts'
import type { Qos } from './steps.ts'

interface Group {
  readonly name: string
  readonly candidates: Candidate[]
  mayVanish: boolean
}

/** Publishes a message; returns whether a subscription matched. */
export function publish(state: State, message: Message): boolean {
  if (message.retain) {
    state.retained = state.retained.filter(({ topic }) => topic !== message.topic)
    if (message.payload !== '') state.retained.push(message)
  }
  let found = false
  // Held at QoS 2 until its time was over.
  if (message.expiresAtMs <= state.nowMs) return found
  const groups: Group[] = []
  for (const session of state.sessions)
    for (const subscription of session.subscriptions) {
      if (!matches(plainFilter(subscription), message.topic)) continue
      // Whether the will of a client is its own publication is nowhere said.
      if (isOwn(session, subscription, message) && !message.isWill) continue
      found = true
      const way = wayOf(session, subscription, message)
      if (subscription.group === '') {
        if (mayReach(state, way))
          addCopy(state, message, [way], !isKept(way) || isOwn(session, subscription, message))
        continue
      }
      const name = subscription.filter
      let group = groups.find((each) => each.name === name)
      if (group === undefined) groups.push((group = { name, candidates: [], mayVanish: false }))
      if (mayReach(state, way)) group.candidates.push(way)
      if (!isKept(way)) group.mayVanish = true
    }
  if (state.inPortions)
    for (const session of state.justEnded)
      if (session.clientId !== message.publisher) mayHaveReached(state, message, session, groups)
  for (const { name, candidates, mayVanish } of groups)
    if (candidates.length > 0)
      addCopy(state, message, candidates, mayVanish, hasJustLost(state, name))
  return found
}

/** Then the message may have been on its way to the member that ended, and come to another behind later ones. */
function hasJustLost({ justEnded }: State, group: string): boolean {
  return justEnded.some(({ subscriptions }) => subscriptions.some(({ filter }) => filter === group))
}

/** Between two connections there is no order: a server that works in portions may have come to this message before `session` ended. */
function mayHaveReached(state: State, message: Message, session: Session, groups: Group[]): void {
  for (const subscription of session.subscriptions) {
    if (!matches(plainFilter(subscription), message.topic)) continue
    const way = wayOf(session, subscription, message)
    const group = groups.find(({ name }) => name === subscription.filter)
    if (group === undefined) addCopy(state, message, [way], true)
    else {
      group.candidates.push(way)
      group.mayVanish = true
    }
  }
}

/** Nobody keeps QoS 0 for a client that is away: chosen, it is gone. */
const isKept = ({ qos, session }: Candidate): boolean => qos > 0 || session.connection !== null

const mayReach = (state: State, way: Candidate): boolean => isKept(way) || state.inPortions

/** The part of `$share/name/filter` that is matched. */
function plainFilter({ filter, group }: Subscription): string {
  return group === '' ? filter : filter.split('/').slice(2).join('/')
}

function isOwn(session: Session, { noLocal }: Subscription, { publisher }: Message): boolean {
  return noLocal && session.clientId === publisher
}

function wayOf(session: Session, subscription: Subscription, message: Message): Candidate {
  const { filter, retainAsPublished, subscriptionId } = subscription
  const qos = Math.min(message.qos, subscription.qos) as Qos
  return { session, filter, qos, retain: message.retain && retainAsPublished, subscriptionId }
}

/** What went to its client before a crash, and has not gone again, may reach further than what comes now. */
function isUnsure({ copies }: State, session: Session): boolean {
  const waits = copies.some(
    (each) => each.dupAllowed && each.candidates.some((way) => way.session === session),
  )
  return session.isUnsure || waits || session.inflight.some((each) => each.isUnsure)
}

export function addCopy(
  state: State,
  message: Message,
  candidates: Candidate[],
  optional: boolean,
  isUnordered = false,
): void {
  const dupAllowed = candidates.some(({ session }) => isUnsure(state, session))
  const first = candidates
  state.copies.push({ message, candidates, first, optional, isUnordered, dupAllowed })
}

/** What is retained, for a subscription that was just made or made anew. */
export function replayRetained(state: State, session: Session, subscription: Subscription): void {
  for (const message of state.retained) {
    if (!matches(subscription.filter, message.topic)) continue
    if (message.expiresAtMs <= state.nowMs) continue
    const way = { ...wayOf(session, subscription, message), retain: true }
    // Whether no local holds for what was retained before is nowhere said.
    const rivals = state.retained.filter(({ topic }) => topic === message.topic)
    const isOptional = rivals.length > 1 || isOwn(session, subscription, message)
    addCopy(state, message, [way], isOptional, true)
  }
}

/**
 * The session has ended. What a shared group had for it may go to the others, and what it was sent at QoS 1 too
 * (4.8.2); what is under way to it may still arrive.
 */
export function dropCopies(state: State, session: Session): void {
  for (const copy of [...state.copies]) {
    const way = copy.candidates.find((each) => each.session === session)
    if (way === undefined) continue
    copy.optional = true
    handOver(state, session, copy.message, way)
  }
  for (const { message, way } of session.inflight) {
    handOver(state, session, message, way)
    // Of two that look alike the other one may have been acknowledged.
    for (const twin of session.done)
      if (twin.message === message && twin.way !== way) handOver(state, session, message, twin.way)
  }
}

/**
 * Nobody has to keep note of which subscription of a session a message waited for: where its options have changed since, it
 * may seem to be of another one that matches.
 */
function handOver(state: State, session: Session, message: Message, way: Candidate): void {
  if (way.qos !== 1) return
  const seeming = session.subscriptions.filter(
    (one) =>
      one.subscriptionId === way.subscriptionId &&
      wayOf(session, one, message).qos === 1 &&
      matches(plainFilter(one), message.topic),
  )
  for (const name of new Set([way.filter, ...seeming.map(({ filter }) => filter)])) {
    if (!name.startsWith('$share/')) continue
    const candidates = state.sessions.flatMap((other) =>
      other.subscriptions
        .filter(({ filter }) => filter === name)
        .map((subscription) => wayOf(other, subscription, message)),
    )
    if (candidates.length > 0) addCopy(state, message, candidates, true)
  }
}
