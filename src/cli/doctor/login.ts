/** How the doctor connects: as a client that it is asked about would. */
import type { TlsOptions } from '../../client/tls-options.ts'

/** What `mozzie pub` would be given. */
export interface Login {
  readonly url: string
  readonly clientId: string | undefined
  readonly username: string | undefined
  readonly password: string | undefined
  readonly tls: TlsOptions
}
