/** A request that is answered with a status other than 200; fastify reads `statusCode`. */
export class HttpError extends Error {
  override name = 'HttpError'
  readonly statusCode: number

  /** @param message What is wrong, and what to do. */
  constructor(statusCode: number, message: string) {
    super(message)
    this.statusCode = statusCode
  }
}
