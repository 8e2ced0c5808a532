/** Payload bytes and the texts that stand for them. */
import type { InputFormat } from '../model/message.ts'

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const lenient = new TextDecoder('utf-8', { ignoreBOM: true })
const encoder = new TextEncoder()

/** The text, or null when the bytes are no UTF-8. */
export function asText(bytes: Uint8Array): string | null {
  try {
    return strict.decode(bytes)
  } catch {
    return null
  }
}

/** Text with U+FFFD for what is no UTF-8. */
export function asLenientText(bytes: Uint8Array): string {
  return lenient.decode(bytes)
}

export function utf8(text: string): Uint8Array {
  return encoder.encode(text)
}

export function toBase64(bytes: Uint8Array): string {
  let binary = ''
  for (let at = 0; at < bytes.length; at += 0x8000) {
    binary += String.fromCharCode(...bytes.subarray(at, at + 0x8000))
  }
  return btoa(binary)
}

export function fromBase64(text: string): Uint8Array | null {
  try {
    const plain = text.replaceAll(/\s/g, '').replaceAll('-', '+').replaceAll('_', '/')
    return Uint8Array.from(atob(plain), (char) => char.charCodeAt(0))
  } catch {
    return null
  }
}

/** Hex digits, spaces and `0x` allowed, as bytes; null: something else is in it. */
export function fromHex(text: string): Uint8Array | null {
  const digits = text.replaceAll(/0x|[\s:,]/gi, '')
  if (digits.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(digits)) return null
  return Uint8Array.from({ length: digits.length / 2 }, (_, at) =>
    Number.parseInt(digits.slice(at * 2, at * 2 + 2), 16),
  )
}

/** Correlation data as typed: hex after `0x`, else text. Null: bad hex. */
export function correlationBytes(text: string): Uint8Array | null {
  return /^0x/i.test(text) ? fromHex(text) : utf8(text)
}

/** Correlation data as it can be typed again. */
export function correlationText(bytes: Uint8Array): string {
  const text = asText(bytes)
  if (text !== null && !/^0x|[\u0000-\u001f\u007f]/i.test(text)) return text
  return `0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`
}

/** Rows of 16 bytes: offset, hex, ASCII. */
export function hexDump(bytes: Uint8Array): string {
  const rows: string[] = []
  for (let at = 0; at < bytes.length; at += 16) {
    const row = bytes.subarray(at, at + 16)
    const hex = Array.from(row, (byte) => byte.toString(16).padStart(2, '0'))
    const left = hex.slice(0, 8).join(' ').padEnd(23)
    const right = hex.slice(8).join(' ').padEnd(23)
    const ascii = Array.from(row, (byte) =>
      byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.',
    )
    rows.push(`${at.toString(16).padStart(8, '0')}  ${left}  ${right}  ${ascii.join('')}`)
  }
  return rows.join('\n')
}

/** What keeps typed text from becoming a payload. */
export type InputProblem = 'json' | 'hex' | 'base64'

type Encode = (text: string) => Uint8Array | InputProblem

const encodeJson: Encode = (text) => {
  try {
    JSON.parse(text)
    return utf8(text)
  } catch {
    return 'json'
  }
}

const ENCODERS: Record<Exclude<InputFormat, 'cbor' | 'msgpack'>, Encode> = {
  text: utf8,
  json: encodeJson,
  hex: (text) => fromHex(text) ?? 'hex',
  base64: (text) => fromBase64(text) ?? 'base64',
}

/** Typed text as payload. CBOR and MessagePack are typed as JSON. */
export async function encodeInput(
  text: string,
  format: InputFormat,
): Promise<Uint8Array | InputProblem> {
  if (format !== 'cbor' && format !== 'msgpack') return ENCODERS[format](text)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return 'json'
  }
  if (format === 'cbor') return (await import('cborg')).encode(value)
  return (await import('@msgpack/msgpack')).encode(value)
}
