/** What a handler of an endpoint is given and gives, by the contract. */
import type { FastifyReply } from 'fastify'
import type { Admin } from '../admin.ts'
import type { Caller, Callers, Credentials } from '../callers.ts'
import type { Contract, Endpoint } from '../contract.ts'
import type { Streams } from '../live.ts'
import type { ListenerOptions } from '../../ports/ports.ts'

export interface Call<Params, Query, Body> {
  readonly params: Params
  readonly query: Query
  readonly body: Body
  readonly caller: Caller
  readonly credentials: Credentials
  readonly reply: FastifyReply
}

/** What the handlers of one listener have. */
export interface HandlerWorld {
  readonly admin: Admin
  readonly callers: Callers
  readonly streams: Streams
  readonly listener: ListenerOptions
  loginRequired(): boolean
  readonly hasWebSocket: boolean
}

/** The answer itself, or the reply when it has been sent. */
type Answer<Reply> = [Reply] extends [null] ? FastifyReply : Reply | FastifyReply

type HandlerOf<E> =
  E extends Endpoint<infer Params, infer Query, infer Body, infer Reply>
    ? (call: Call<Params, Query, Body>) => Answer<Reply> | Promise<Answer<Reply>>
    : never

export type Handlers = { [Name in keyof Contract]: HandlerOf<Contract[Name]> }
