/** A connection that proves who it is by a method of its own. */
import type { Exchange, ExchangeStep } from '../../ports/ports.ts'

/** Enhanced authentication of a connection (MQTT 5.0, 4.12), again and again as its client likes. */
export interface Proof {
  readonly method: string
  /** null: none is under way. */
  exchange: Exchange | null
  /** It has not answered yet: nothing more of the client is due. */
  isBusy: boolean
  /** For the CONNACK; null: none. */
  data: Uint8Array | null
  settle(step: Exclude<ExchangeStep, { kind: 'continue' }>): void
}
