/** What mosquitto-go-auth asks of a backend, and the numbers that it says it with. */

/** What somebody may want with a topic: `MOSQ_ACL_…` of mosquitto, `acc` of the HTTP protocol. */
export const Access = { read: 1, write: 2, subscribe: 4 } as const

export interface LoginQuestion {
  readonly username: string
  readonly password: Uint8Array
  readonly clientId: string
}

export interface AclQuestion {
  readonly username: string
  readonly clientId: string
  /** A filter where `access` is {@link Access.subscribe}. */
  readonly topic: string
  /** One of {@link Access}. */
  readonly access: number
}

/** Who a backend let in. */
export interface Welcome {
  /** What stands for the password now: another text, and the client is to log in again. null: nobody knows. */
  readonly encoded: string | null
  /** Whom a token names, where it is not what CONNECT says. */
  readonly username: string | null
  /** Wall clock, ms; Infinity: a login of this kind does not end. */
  readonly expiresAtMs: number
}

/**
 * One of go-auth's backends. Its answers may come later; a promise that rejects says that there was none, and why. Rights that
 * are known are answered at once.
 */
export interface Backend {
  readonly name: 'files' | 'http' | 'jwt'
  login(question: LoginQuestion): Promise<Welcome | null>
  isSuperuser(username: string): boolean | Promise<boolean>
  allows(question: AclQuestion): boolean | Promise<boolean>
  /** The text of {@link Welcome.encoded} of a user now; undefined: it keeps none. */
  encodedOf(username: string): string | undefined
  close(): void
}
