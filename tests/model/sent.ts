/** A packet of a client as the model takes it: a step with its identifiers and contents filled in. */
import type { AckName, FilterStep, PacketStep, Qos } from './steps.ts'
import type { Forwarded } from './wire.ts'

export type Sent =
  | Extract<PacketStep, { do: 'connect' | 'disconnect' | 'ping' }>
  | {
      readonly do: 'subscribe'
      readonly id: number
      readonly filters: readonly FilterStep[]
      readonly subscriptionId: number
    }
  | { readonly do: 'unsubscribe'; readonly id: number; readonly filters: readonly string[] }
  | {
      readonly do: 'publish'
      readonly id: number
      readonly topic: string
      /** -1: none. */
      readonly alias: number
      readonly qos: Qos
      readonly retain: boolean
      readonly payload: string
      readonly expirySeconds: number
      readonly forwarded: Forwarded
    }
  | { readonly do: 'ack'; readonly cmd: AckName; readonly id: number; readonly reason: number }
