import type { Packet, Version } from '../../src/codec/packets.ts'

export interface Fixture {
  readonly name: string
  readonly versions: readonly Version[]
  /** The packet on the wire; spaces part the fields. */
  readonly hex: string
  readonly packet: Packet
}

export const V3: readonly Version[] = [3, 4]
export const V311: readonly Version[] = [4]
export const V5: readonly Version[] = [5]
export const ALL: readonly Version[] = [3, 4, 5]

export function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.replaceAll(/\s/g, ''), 'hex'))
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
