/** What can go wrong between a broker and the NATS servers. */

/** Why a publish to a stream came to nothing. */
export interface Failure {
  /** unanswered: it may be there or not, ask again; refused: it is not there. */
  readonly kind: 'unanswered' | 'refused'
  /** JetStream's `err_code`; 0: none. */
  readonly code: number
  readonly text: string
}

/** The stream could not store it; why, only the text says. */
const STORE_FAILED = 10_077

/** Does the subject hold as many messages as it may? The same code is for a disk that is full. */
export function isQueueFull({ code, text }: Failure): boolean {
  return code === STORE_FAILED && text.includes('messages per subject exceeded')
}
/** The subject's last message is another than was expected. */
export const WRONG_LAST = 10_071
/** A batch holds a message whose id was there before. */
export const BATCH_DUPLICATE = 10_201

/** JetStream's own word for why not. */
export interface ApiProblem {
  /** HTTP-like. */
  readonly code?: number
  readonly err_code?: number
  readonly description?: string
}

const UNAVAILABLE = 503

/** What another attempt may find otherwise in a moment: nothing of it says that there is no room, or that a request is wrong. */
const PASSING: ReadonlySet<number> = new Set([
  10_004, // not every server has answered
  10_007, // the server does not have it yet
  10_008, // nobody leads at the moment
  10_009, // another leads
  10_158, // a message of this id is under way
  10_163, // the subject's last message is not known yet
  10_164, // another message on top of the same one is under way
  10_167, // too many requests at once
  10_176, // the leader has not got all of the batch: it has just begun to lead
  10_210, // too many batches at once
])

/** Is it to be asked again as if nobody had answered? */
export function isPassing({ code, err_code: errCode = 0, description = '' }: ApiProblem): boolean {
  if (PASSING.has(errCode)) return true
  // It ceased to lead with the message in its hand: that has no number.
  if (errCode === 0) return code === UNAVAILABLE
  // A server that is going.
  return errCode === STORE_FAILED && description.includes('store is closed')
}

/** Status of an answer, no error: nobody listens to that subject. */
export const NO_RESPONDERS = 503
/** There is no such entry. */
export const NO_MESSAGE = 10_037
export const NO_STREAM = 10_059

/** It is larger than a message of its stream may be. */
export const NO_ROOM_EVER = 10_054

/** Ours: it is larger than a server takes. */
export const TOO_LARGE = -1

/** No other attempt will find it otherwise. */
export function isForGood({ code }: Failure): boolean {
  return code === TOO_LARGE || code === NO_ROOM_EVER
}

/** JetStream's answer to a request that it does not fulfil. */
export class ApiError extends Error {
  override name = 'ApiError'
  /** HTTP-like; 0: unknown. */
  readonly code: number
  readonly errCode: number

  constructor(request: string, problem: ApiProblem) {
    super(`${request}: ${problem.description ?? 'refused'}`)
    this.code = problem.code ?? 0
    this.errCode = problem.err_code ?? 0
  }
}

/** The cluster cannot be joined as it is configured, or as its servers are. */
export class ClusterError extends Error {
  override name = 'ClusterError'
}
