/**
 * What a sequence is made of. A step names no packet identifier: it says "the second message not yet
 * acknowledged", and the player finds it. So a list keeps its sense when steps are taken out of it.
 */
export type Qos = 0 | 1 | 2
export type Version = 4 | 5

export interface WillStep {
  readonly topic: string
  readonly qos: Qos
  readonly retain: boolean
  readonly delaySeconds?: number
  readonly expirySeconds?: number
}

export interface FilterStep {
  readonly filter: string
  readonly qos: Qos
  readonly noLocal?: boolean
  readonly retainAsPublished?: boolean
  readonly retainHandling?: 0 | 1 | 2
}

/** Sent by the client of line `at`; each is one packet. */
export type PacketStep =
  | {
      readonly do: 'connect'
      readonly at: number
      /** Empty: the server assigns one. */
      readonly id: string
      readonly version: Version
      readonly clean: boolean
      readonly expirySeconds?: number
      readonly receiveMaximum?: number
      readonly maximumPacketSize?: number
      readonly aliasMaximum?: number
      readonly keepAliveSeconds?: number
      readonly will?: WillStep
    }
  | {
      readonly do: 'disconnect'
      readonly at: number
      readonly reason?: number
      readonly expirySeconds?: number
    }
  | {
      readonly do: 'subscribe'
      readonly at: number
      readonly filters: readonly FilterStep[]
      readonly subscriptionId?: number
    }
  | { readonly do: 'unsubscribe'; readonly at: number; readonly filters: readonly string[] }
  | {
      readonly do: 'publish'
      readonly at: number
      readonly topic: string
      readonly qos: Qos
      readonly retain?: boolean
      /** No payload: clears what is retained. */
      readonly empty?: boolean
      /** Bytes added to the payload. */
      readonly more?: number
      readonly expirySeconds?: number
      /** All properties that are passed on. */
      readonly rich?: boolean
      readonly alias?: number
      /** The alias alone, no topic. */
      readonly aliasOnly?: boolean
    }
  /** The nth unreleased QoS 2 message once more, with DUP. */
  | { readonly do: 'again'; readonly at: number; readonly nth: number }
  /** PUBREL for the nth unreleased message. */
  | { readonly do: 'release'; readonly at: number; readonly nth: number }
  /** The nth acknowledgement that is due; `as`: another kind instead; `reason`: refuses (PUBREC). */
  | {
      readonly do: 'ack'
      readonly at: number
      readonly nth: number
      readonly as?: AckName
      readonly reason?: number
    }
  /** An acknowledgement of an identifier that is not in use. */
  | { readonly do: 'stray'; readonly at: number; readonly as: AckName; readonly id: number }
  | { readonly do: 'ping'; readonly at: number }

export type AckName = 'puback' | 'pubrec' | 'pubrel' | 'pubcomp'

export type Step =
  | PacketStep
  /** Several packets of one client in one piece. */
  | { readonly do: 'burst'; readonly at: number; readonly steps: readonly PacketStep[] }
  /** A packet in two pieces; cut at `part` (0 to 1) of its bytes. */
  | { readonly do: 'split'; readonly at: number; readonly part: number; readonly step: PacketStep }
  /** Only the first piece comes, then the line is cut. */
  | { readonly do: 'torn'; readonly at: number; readonly part: number; readonly step: PacketStep }
  /** Packets of several clients, all of them there before the broker's turn ends. */
  | { readonly do: 'together'; readonly steps: readonly PacketStep[] }
  /** From now on a turn does so much; what is more goes on in portions. */
  | { readonly do: 'budget'; readonly workPerTurn: number; readonly receiversAtOnce: number }
  | { readonly do: 'cut'; readonly at: number }
  /** Acknowledges and releases until nothing is due any more. */
  | { readonly do: 'settle'; readonly at: number }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'restart'; readonly how: 'stop' | 'crash' }

/** One line each, as they are written down in `found`. */
export function printSteps(steps: readonly Step[]): string {
  return steps.map((step) => JSON.stringify(step)).join('\n')
}
