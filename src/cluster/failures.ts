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

/** There is no such entry. */
export const NO_MESSAGE = 10_037
export const NO_STREAM = 10_059

/** Ours: it is larger than a server takes. */
export const TOO_LARGE = -1

/** JetStream's answer to a request that it does not fulfil. */
export class ApiError extends Error {
  override name = 'ApiError'
  /** HTTP-like; 0: unknown. */
  readonly code: number
  readonly errCode: number

  constructor(
    request: string,
    problem: { code?: number; err_code?: number; description?: string },
  ) {
    super(`${request}: ${problem.description ?? 'refused'}`)
    this.code = problem.code ?? 0
    this.errCode = problem.err_code ?? 0
  }
}

/** The cluster cannot be joined as it is configured, or as its servers are. */
export class ClusterError extends Error {
  override name = 'ClusterError'
}
