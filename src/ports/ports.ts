/**
 * What the core asks of the world, and all of it: no module of the core does I/O, reads a clock or rolls
 * dice on its own. Adapters implement these; the simulator implements them all at once.
 *
 * Whatever may take time answers by an event, never within the call that asked.
 */
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import { isToken } from '../base/token-form.ts'
import type { Qos, Version } from '../codec/packets.ts'
import type { Limits } from './limits.ts'
import type { Message } from './message.ts'
import type { Peers } from './peers.ts'
import type { Store } from './store.ts'

export interface Ports {
  clock: Clock
  random: Random
  log: Log
  store: Store
  /** null: a broker of its own. */
  peers: Peers | null
  auth: Auth
  /** null: nobody can command the broker over `$CONTROL`. */
  control: Control | null
  observer: Observer | null
  limits: Limits
  /** May anything be said yet? Who may not any more says nothing, and never may again. null: always. */
  mayAnswer: (() => boolean) | null
  /** Asks for one call of `Broker.endTurn` once the current turn's input is through (setImmediate). */
  requestTurnEnd(): void
  /** The store failed for good: nothing more can be promised, the process should end. */
  fatal(error: Error): void
}

/** What a listener decides for its clients. */
export interface ListenerOptions {
  /** For the log: `on port 1883`. */
  port: number
  allowAnonymous: boolean
  allowZeroLengthClientId: boolean
  autoIdPrefix: string
  /** Levels 3, 4, 5 that may connect. */
  acceptVersions: readonly number[]
  maxQos: Qos
  /** Aliases a client may use towards the broker; 0 none. */
  topicAliasMaximum: number
  /** Aliases the broker uses towards a client, at most; 0 none. */
  topicAliasMaximumOut: number
  useUsernameAsClientId: boolean
  /** Goes before every topic of the clients that come in here; they do not see it. Empty: none. */
  mountPoint: string
  /**
   * Whose word the user name is: the CONNECT packet's, or TLS's: the common name or the PSK identity
   * (`use_identity_as_username`), or the certificate's subject (`use_subject_as_username`).
   */
  usernameFrom: 'connect' | 'identity' | 'subject'
}

/** Of the broker's own bridges: they come in by no port, log in to nobody, and have every right. */
export const BRIDGE_LISTENER: ListenerOptions = {
  port: 0,
  allowAnonymous: true,
  allowZeroLengthClientId: false,
  autoIdPrefix: '',
  acceptVersions: [5],
  maxQos: 2,
  topicAliasMaximum: 0,
  topicAliasMaximumOut: 0,
  useUsernameAsClientId: false,
  mountPoint: '',
  usernameFrom: 'connect',
}

/** In front of a bridge's user name: no client can have one with it, because MQTT's text has no NUL [MQTT-1.5.4-2]. */
const BRIDGE_MARK = '\0'

/** The user that a bridge's session belongs to; `name`: its `local_username`. */
export function bridgeUser(name: string | null): string {
  return BRIDGE_MARK + (name ?? 'bridge')
}

/** Whether a user is one of the broker's own bridges, here or in the store. */
export function isBridgeUser(username: string | null): boolean {
  return username !== null && username.charCodeAt(0) === 0
}

/** Stands for the name of who brought a token as user name: whoever reads that could come in by it. */
const TOKEN_SHOWN = '(a token)'

/** A user name as people are shown it. */
export function shownUser(username: string | null): string | null {
  if (isBridgeUser(username)) return (username as string).slice(1)
  return username !== null && isToken(username) ? TOKEN_SHOWN : username
}

/** What TLS proved about a peer, or a trusted proxy says TLS proved. Names that can be no user name are null. */
export interface TlsFacts {
  /** Common name of the client's certificate. */
  readonly identity: string | null
  /** Its whole subject, as RFC 2253 writes it. */
  readonly subject: string | null
  /** The identity whose pre-shared key the client has. */
  readonly pskIdentity: string | null
}

/**
 * One network connection as the core sees it. Its owner feeds the core by `Broker.receive`, and tells
 * `Broker.linkDrained` and `Broker.linkClosed`.
 */
export interface Link {
  /** `address:port`, or the path of a unix socket; for the log. */
  readonly remote: string
  readonly listener: ListenerOptions
  /** null: no TLS. */
  readonly tls: TlsFacts | null
  /**
   * Sends `bytes[0..length)`. True: they are gone, the array is the caller's again. False: the link keeps
   * the array until it calls `Broker.linkDrained`; nothing is written to it before that.
   */
  write(bytes: Uint8Array, length: number): boolean
  /**
   * Sends what can go within the call of `head[0..headLength)` and `body` behind it, and keeps no array: returns how many bytes
   * are gone. Only while it has none of {@link write}; null: there is no such way.
   */
  readonly writeSome: ((head: Uint8Array, headLength: number, body: Uint8Array) => number) | null
  /** Stops and restarts reading. */
  pause(): void
  resume(): void
  /** Closes after what was written has left, within a bounded time; then `linkClosed`. */
  end(): void
}

/** Who a connection is, once authenticated. */
export interface Identity {
  clientId: string
  username: string | null
  remote: string
  /** Where it came in; null: not known any more, as for a session from the store. */
  listener: ListenerOptions | null
  /** What `Auth` noted of this client, kept here so that a check need not look for it. */
  login: object | null
  /**
   * What `Auth.originOf` said of the client when it came in: outlives the process with its will and its retained
   * messages, so that they can be judged by its rights when it is gone. Empty: not known.
   */
  origin: string
}

/** Who published something, as far as it is known later. `login`: of the client that has both names now. */
export type Author = Pick<Identity, 'clientId' | 'username' | 'login' | 'origin'>

export interface AuthRequest {
  clientId: string
  username: string | null
  password: Uint8Array | null
  version: Version
  remote: string
  listener: ListenerOptions
  tls: TlsFacts | null
  /** `username` is what TLS proved: there is no password, and none is to be asked for. */
  proven: boolean
}

/** Why somebody is not welcome, or not any more. */
export interface Refusal {
  /** A reason code of CONNACK; a connection that is open ends with what comes closest. */
  readonly reason: number
  /** For the client's owner and for the log; empty: the reason says it all. */
  readonly detail: string
}

/** A right: given, refused, or to be said later. The promise never rejects. */
export type Verdict = boolean | Promise<boolean>

/** Decides who may do what. A null check allows everything and costs nothing. */
/**
 * What a run of enhanced authentication says next: go on with the client, let it in, or a reason why not. `username`: who it
 * is; null: nobody in particular, what CONNECT said counts. `data` goes to the client; null: none.
 */
export type ExchangeStep =
  | { readonly kind: 'continue'; readonly data: Uint8Array | null }
  | {
      readonly kind: 'done'
      readonly data: Uint8Array | null
      readonly username: string | null
      readonly login: object
    }
  | { readonly kind: 'refused'; readonly reason: number }

/** One run of enhanced authentication (MQTT 5.0, 4.12). */
export interface Exchange {
  /** Takes what the client said, null: nothing; calls `answer` once, now or later. Never called again before that. */
  next(data: Uint8Array | null, answer: (step: ExchangeStep) => void): void
}

export interface Auth {
  /**
   * Calls `answer` once, now or later, with 0 or the reason code of the refusal (MQTT 5.0, 3.2.2.2), with
   * what it wants to find again as {@link Identity.login}, and with the user's name where it is not what CONNECT said.
   */
  authenticate(
    request: AuthRequest,
    answer: (reason: number, login?: object, username?: string) => void,
  ): void
  /** Begins to prove who a client is by `method`; null: no such method here. */
  exchange: ((request: AuthRequest, method: string) => Exchange | null) | null
  /** May `who` publish to `topic`? */
  publish: ((who: Identity, topic: string, qos: Qos, retain: boolean) => Verdict) | null
  /** May `who` subscribe to `filter`? */
  subscribe: ((who: Identity, filter: string, qos: Qos) => Verdict) | null
  /** May `who` end a subscription to `filter`? */
  unsubscribe: ((who: Identity, filter: string) => boolean) | null
  /** May `who` be sent a message of `topic`? Asked for every delivery. */
  deliver: ((who: Identity, topic: string) => Verdict) | null
  /** May the source of a retained message still publish there? Asked before a subscriber is sent it. */
  retainSource: ((source: Author, topic: string) => boolean) | null
  /** Where a client that was just let in has its rights from; null: nothing is ever asked of who is gone. */
  originOf: ((who: Identity) => string) | null
  /** May this client ask to be let in? Asked before anything that costs; null: it may. */
  admit: ((who: Identity) => Refusal | null) | null
  /** Is who was let in still welcome? Asked by `Broker.recheckLogins`; null: yes. */
  recheck: ((who: Identity) => Refusal | null) | null
}

/** Takes what clients publish to `$CONTROL/…`: commands for the broker, which are never routed. */
export interface Control {
  /**
   * Carries out the command in `payload` for a client that may publish to `topic`. Answers go out as messages. The PUBLISH is
   * acknowledged when the promise resolves; it never rejects.
   */
  command(who: Identity, topic: string, payload: Uint8Array): Promise<void>
}

/** Told what happened, after it did. Must not throw. */
export interface Observer {
  connected?(who: Identity, version: Version): void
  disconnected?(who: Identity, reason: string): void
  /** A CONNECT was refused; `who` is null when it could not even be read, or a limit turned the connection away before. */
  refused?(who: Identity | null, remote: string, reason: string): void
  /** `qos` is what was granted; the rest is what the client asked for. */
  subscribed?(
    who: Identity,
    filter: string,
    qos: Qos,
    askedQos: Qos,
    retainHandling: 0 | 1 | 2,
  ): void
  /** One filter of a SUBSCRIBE was refused. */
  subscribeRefused?(who: Identity, filter: string, reason: string): void
  unsubscribed?(who: Identity, filter: string): void
  /** An offline session ended by its expiry. */
  expired?(clientId: string, username: string | null): void
  /** A will was due; not allowed: the rules denied it. */
  willDue?(clientId: string, username: string | null, topic: string, allowed: boolean): void
  /** `message` borrows its bytes: copy what must outlive the call. */
  published?(message: Message): void
}
