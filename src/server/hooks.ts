/** The hooks of the library as the core's ports: what a hook throws is a refusal, and is told. */
import { LogType, type Log } from '../base/log.ts'
import { thrownText } from '../base/thrown.ts'
import type { Auth, AuthRequest, Identity, Verdict } from '../ports/ports.ts'
import { PacketType, type Qos } from '../codec/packets.ts'
import { isReasonAllowed, Reason } from '../codec/reason-codes.ts'

/** Who a connection is. */
export interface ClientInfo {
  readonly clientId: string
  /** null: none was given. */
  readonly username: string | null
  /** `address:port` */
  readonly remote: string
}

/** Who asks to be let in. */
export interface LoginInfo extends ClientInfo {
  /** The bytes as they came; null: none. */
  readonly password: Uint8Array | null
  /** 3 is MQTT 3.1, 4 is 3.1.1, 5 is 5.0. */
  readonly version: 3 | 4 | 5
}

/** Only true allows: false, anything else, an exception, a rejection, and no answer within 10 s refuse. */
export type Right = boolean | Promise<boolean>

/** true or 0: welcome. false: 0x87. Another number: the reason code of the refusal; one that CONNACK cannot have (MQTT 5.0, 3.2.2.2) is 0x87. */
export type LoginAnswer = boolean | number

/**
 * Decides who may do what. All are optional; without `authenticate` everybody is let in, without the others
 * everything is allowed. Hooks may be asynchronous: what the connection sends meanwhile waits, in order, and other
 * connections go on.
 */
export interface AuthHooks {
  authenticate?(info: LoginInfo): LoginAnswer | Promise<LoginAnswer>
  /** May `who` publish to `topic`? Asked for every PUBLISH, and for a will when it is sent. */
  authorizePublish?(who: ClientInfo, topic: string, qos: Qos, retain: boolean): Right
  /** May `who` subscribe to `filter`? Asked for every filter of a SUBSCRIBE, `$share/...` included. */
  authorizeSubscribe?(who: ClientInfo, filter: string, qos: Qos): Right
  /**
   * May `who` be sent a message of `topic`? Asked for every delivery: it costs. While it thinks, what goes to that
   * client waits in order, within the bounds of its queue.
   */
  authorizeDelivery?(who: ClientInfo, topic: string): Right
}

/** A hook that has not answered by then refuses: what waits for it must not wait for ever. */
const ANSWER_MS_MAX = 10_000

export function authOfHooks(hooks: AuthHooks, log: Log): Auth {
  const { authorizePublish, authorizeSubscribe, authorizeDelivery } = hooks
  const guard = (name: string, ask: () => unknown): Verdict => {
    try {
      const answer = ask()
      if (typeof answer === 'boolean') return answer
      return isThenable(answer) ? later(log, name, answer) : false
    } catch (error) {
      logHookError(log, name, error)
      return false
    }
  }
  return {
    authenticate: (request, answer) => void authenticate(hooks, log, request).then(answer),
    publish:
      authorizePublish === undefined
        ? null
        : (who: Identity, topic, qos, retain) =>
            guard('authorizePublish', () => authorizePublish.call(hooks, who, topic, qos, retain)),
    subscribe:
      authorizeSubscribe === undefined
        ? null
        : (who, filter, qos) =>
            guard('authorizeSubscribe', () => authorizeSubscribe.call(hooks, who, filter, qos)),
    unsubscribe: null,
    deliver:
      authorizeDelivery === undefined
        ? null
        : (who, topic) =>
            guard('authorizeDelivery', () => authorizeDelivery.call(hooks, who, topic)),
    retainSource: null,
    originOf: null,
    exchange: null,
    admit: null,
    recheck: null,
  }
}

export function isThenable(answer: unknown): answer is PromiseLike<unknown> {
  return typeof (answer as { then?: unknown } | null | undefined)?.then === 'function'
}

/** The answer as the core wants it: a promise that never rejects, and is there in time. */
function later(log: Log, name: string, answer: PromiseLike<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const fail = (error: unknown): void => {
      logHookError(log, name, error)
      resolve(false)
    }
    inTime(answer).then((value) => resolve(value === true), fail)
  })
}

/** The same answer; a rejection when it is not there in time. */
function inTime<Answer>(answer: PromiseLike<Answer> | Answer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const late = new Error(`no answer within ${ANSWER_MS_MAX} ms`)
    const timer = setTimeout(() => reject(late), ANSWER_MS_MAX).unref()
    void Promise.resolve(answer)
      .then(resolve, reject)
      .finally(() => clearTimeout(timer))
  })
}

async function authenticate(hooks: AuthHooks, log: Log, request: AuthRequest): Promise<number> {
  if (hooks.authenticate === undefined) return Reason.success
  const { clientId, username, password, version, remote } = request
  try {
    const answer = hooks.authenticate({ clientId, username, password, version, remote })
    return reasonOf(isThenable(answer) ? await inTime(answer) : answer)
  } catch (error) {
    logHookError(log, 'authenticate', error)
    return Reason.notAuthorized
  }
}

function reasonOf(answer: LoginAnswer): number {
  if (answer === true || answer === 0) return Reason.success
  const isRefusal = typeof answer === 'number' && isReasonAllowed(PacketType.connack, answer, false)
  return isRefusal ? answer : Reason.notAuthorized
}

export function logHookError(log: Log, name: string, error: unknown): void {
  log.write(LogType.error, `Error: ${name} threw: ${thrownText(error)}`)
}
