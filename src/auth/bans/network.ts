/** Addresses and networks in CIDR notation, as numbers that can be compared. */
import { isIPv4, isIPv6 } from 'node:net'

/** An address is a network whose prefix is all of it. */
export interface Network {
  readonly bits: 32 | 128
  /** How many of the leading bits count. */
  readonly prefix: number
  /** Those bits. */
  readonly value: bigint
}

const MAPPED = 0xffffn

/** `10.1.0.0/16`, `2001:db8::/32`, or one address; null: it is none. An IPv4 address within IPv6 is the IPv4 address. */
export function parseNetwork(text: string): Network | null {
  const [, address = '', prefixText] = /^([^/]+?)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const whole = wholeOf(address)
  if (whole === null) return null
  const written = prefixText === undefined ? null : Number(prefixText)
  const isInner = whole.bits === 32 && address.includes(':')
  const prefix = written === null ? whole.bits : isInner ? written - 96 : written
  if (prefix < 0 || prefix > whole.bits) return null
  return { bits: whole.bits, prefix, value: whole.value >> BigInt(whole.bits - prefix) }
}

/** As it would be written, without the bits that do not count. */
export function showNetwork({ bits, prefix, value }: Network): string {
  const whole = value << BigInt(bits - prefix)
  const address = bits === 32 ? dotted(whole) : shortest(whole)
  return prefix === bits ? address : `${address}/${prefix}`
}

/** The bits of `address` that a network of its kind with this prefix has. */
export function leading({ bits, value }: Network, prefix: number): bigint {
  return value >> BigInt(bits - prefix)
}

function wholeOf(address: string): Network | null {
  if (isIPv4(address)) return { bits: 32, prefix: 32, value: fromDotted(address) }
  const plain = address.replace(/%.*$/, '')
  if (!isIPv6(plain)) return null
  const value = fromWords(plain)
  return value >> 32n === MAPPED
    ? { bits: 32, prefix: 32, value: value & 0xffff_ffffn }
    : { bits: 128, prefix: 128, value }
}

function fromDotted(address: string): bigint {
  return address.split('.').reduce((value, byte) => (value << 8n) | BigInt(byte), 0n)
}

function fromWords(address: string): bigint {
  const hex = address.replace(/[\d.]+$/, (end) => {
    if (!end.includes('.')) return end
    const value = fromDotted(end)
    return `${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`
  })
  const [left = '', right] = hex.split('::')
  const words = (part: string): string[] => (part === '' ? [] : part.split(':'))
  const [before, behind] = [words(left), words(right ?? '')]
  const zeros = Array.from({ length: 8 - before.length - behind.length }, () => '0')
  const all = right === undefined ? before : [...before, ...zeros, ...behind]
  return all.reduce((value, word) => (value << 16n) | BigInt(`0x${word}`), 0n)
}

function dotted(value: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 255n)).join('.')
}

function shortest(value: bigint): string {
  const words = Array.from({ length: 8 }, (_, at) =>
    ((value >> BigInt(112 - 16 * at)) & 0xffffn).toString(16),
  )
  return new URL(`http://[${words.join(':')}]`).hostname.slice(1, -1)
}
