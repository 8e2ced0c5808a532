/** The methods of enhanced authentication: SCRAM by the passwords of a realm, and tokens. */
import type { AuthRequest, Exchange, ExchangeStep } from '../ports/ports.ts'
import { Reason } from '../codec/reason-codes.ts'
import type { PasswordEntry } from './password-file.ts'
import type { PasswordHash } from './password-hash.ts'
import {
  offerScram,
  SCRAM_METHODS,
  verifyScram,
  type ScramMethod,
  type ScramOffer,
} from './scram.ts'

/** What an exchange asks of the authenticator. */
export interface ExchangeWorld {
  /** The password of a user; undefined: there is no such user. */
  find(user: string): PasswordEntry | undefined
  /** One like most hashes of a scheme here; undefined: there are none. */
  usual(scheme: PasswordHash['scheme']): PasswordHash | undefined
  /** Whether nobody may try to be this user at the moment. */
  isExhausted(user: string): boolean
  /**
   * The login of a user who proved the password that `encoded` spells, now or later; null: not, or not any more; 'busy': nobody
   * can say now.
   */
  letIn(user: string, encoded: string, answer: (login: object | 'busy' | null) => void): void
  /** A login that failed; `answer` when the client may know. */
  refuse(user: string, answer: (reason: number) => void): void
  /** Checks a token as a login. */
  checkToken(token: string, answer: (step: ExchangeStep) => void): void
  readonly takesTokens: boolean
}

const TOKEN_METHOD = 'JWT'
const MESSAGE_BYTES_MAX = 4096

/** null: there is no such method. */
export function createExchange(
  world: ExchangeWorld,
  request: AuthRequest,
  method: string,
): Exchange | null {
  const scram = SCRAM_METHODS.get(method)
  if (scram !== undefined) return scramExchange(world, request, scram)
  return method === TOKEN_METHOD && world.takesTokens ? tokenExchange(world) : null
}

function refused(reason: number): ExchangeStep {
  return { kind: 'refused', reason }
}

/** Text of a message; null: there is none, or it cannot be one. */
function textOf(data: Uint8Array | null): string | null {
  if (data === null || data.length > MESSAGE_BYTES_MAX) return null
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(data)
  } catch {
    return null
  }
}

function scramExchange(
  world: ExchangeWorld,
  { username }: AuthRequest,
  method: ScramMethod,
): Exchange {
  let offer: ScramOffer | null = null
  let encoded = ''
  const begin = (text: string, answer: (step: ExchangeStep) => void): void => {
    const find = (user: string): PasswordHash | undefined => {
      const entry = world.find(user)
      encoded = entry?.encoded ?? ''
      return entry?.hash
    }
    offer = offerScram(method, text, find, world.usual(method.scheme))
    // A user name beside it must be the same one.
    if (offer === null || (username !== null && username !== offer.user))
      return answer(refused(Reason.notAuthorized))
    answer({ kind: 'continue', data: Buffer.from(offer.text) })
  }
  const end = (made: ScramOffer, text: string, answer: (step: ExchangeStep) => void): void => {
    const { user } = made
    const refuse = (): void => world.refuse(user, (reason) => answer(refused(reason)))
    // Not sooner: what is offered must not tell, and any number of exchanges may have begun before the first guess.
    const last = world.isExhausted(user) ? null : verifyScram(method, made, text)
    if (last === null) return refuse()
    world.letIn(user, encoded, (login) => {
      if (login === 'busy') return answer(refused(Reason.quotaExceeded))
      if (login === null) return refuse()
      answer({ kind: 'done', data: Buffer.from(last), username: user, login })
    })
  }
  return {
    next(data, answer) {
      // A client may send its first message only when it is asked for it.
      if (data === null && offer === null) return answer({ kind: 'continue', data: null })
      const text = textOf(data)
      if (text === null) return answer(refused(Reason.notAuthorized))
      if (offer === null) begin(text, answer)
      else end(offer, text, answer)
    },
  }
}

function tokenExchange(world: ExchangeWorld): Exchange {
  return {
    next(data, answer) {
      if (data === null) return answer({ kind: 'continue', data: null })
      world.checkToken(Buffer.from(data).toString('latin1'), answer)
    },
  }
}
