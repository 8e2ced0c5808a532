/** `--format`: payloads between what people read and write, and what is sent. Codecs are loaded when they are used. */
import { indentJson, minifyJson } from './json-text.ts'
import type { PayloadFormat } from './settings.ts'

/** Throws when the payload is not what the format says. */
export type Convert = (payload: Uint8Array) => Uint8Array

export const FORMAT_NAMES: Readonly<Record<PayloadFormat, string>> = {
  raw: 'raw',
  cbor: 'CBOR',
  msgpack: 'MessagePack',
  json: 'JSON',
  hex: 'hexadecimal',
  base64: 'Base64',
}

const strictDecoder = new TextDecoder('utf-8', { fatal: true })
const encoder = new TextEncoder()

const asIs: Convert = (payload) => payload

function toJson(text: string): string {
  const json = minifyJson(text)
  if (json === null) throw new Error('not valid JSON')
  return json
}

function digits(payload: Uint8Array, encoding: 'hex' | 'base64', shape: RegExp): Uint8Array {
  const text = strictDecoder.decode(payload).replace(/\s/g, '')
  if (!shape.test(text)) throw new Error(`not valid ${FORMAT_NAMES[encoding]}`)
  return Buffer.from(text, encoding)
}

const HEX_SHAPE = /^(?:[0-9a-f]{2})*$/i
const BASE64_SHAPE = /^[A-Za-z0-9+/_-]*={0,2}$/

const ENCODERS: Readonly<Record<PayloadFormat, () => Promise<Convert>>> = {
  raw: async () => asIs,
  json: async () => (payload) => encoder.encode(toJson(strictDecoder.decode(payload))),
  hex: async () => (payload) => digits(payload, 'hex', HEX_SHAPE),
  base64: async () => (payload) => digits(payload, 'base64', BASE64_SHAPE),
  cbor: async () => {
    const { encode } = await import('cborg')
    return (payload) => encode(JSON.parse(strictDecoder.decode(payload)))
  },
  msgpack: async () => {
    const { encode } = await import('@msgpack/msgpack')
    return (payload) => encode(JSON.parse(strictDecoder.decode(payload)))
  },
}

/** Payloads into what people read. */
const READERS: Readonly<Record<PayloadFormat, () => Promise<(payload: Uint8Array) => string>>> = {
  raw: async () => (payload) => Buffer.from(payload).toString(),
  json: async () => (payload) => toJson(strictDecoder.decode(payload)),
  hex: async () => (payload) => Buffer.from(payload).toString('hex'),
  base64: async () => (payload) => Buffer.from(payload).toString('base64'),
  cbor: async () => {
    const { cborDecoder } = await import('./cbor.ts')
    const decode = await cborDecoder()
    return (payload) => jsonOf(decode(payload))
  },
  msgpack: async () => {
    const { decode } = await import('@msgpack/msgpack')
    const options = { useBigInt64: true, mapKeyConverter: keyText }
    return (payload) => jsonOf(decode(payload, options))
  },
}

const jsonFormats = new Set<PayloadFormat>(['json', 'cbor', 'msgpack'])

/** Whether payloads are printed as JSON. */
export function printsJson(format: PayloadFormat): boolean {
  return jsonFormats.has(format)
}

/** What was typed into what is sent. */
export function encoderOf(format: PayloadFormat): Promise<Convert> {
  return ENCODERS[format]()
}

/** What came into what is printed. */
export async function decoderOf(format: PayloadFormat, pretty: boolean): Promise<Convert> {
  if (format === 'raw') return asIs
  const read = await READERS[format]()
  if (!pretty || !printsJson(format)) return (payload) => encoder.encode(read(payload))
  return (payload) => encoder.encode(indentJson(read(payload)))
}

/** A longer key is no name that anybody reads; each level of keys within keys would double its quotation marks. */
const KEY_LENGTH_MAX = 1000

function keyText(key: unknown): string {
  if (typeof key === 'string') return key
  const text = jsonOf(key)
  return text.length > KEY_LENGTH_MAX ? '{…}' : text
}

/** Any value as JSON: bytes as Base64, dates in ISO 8601, large whole numbers in full, what JSON lacks as null. */
function jsonOf(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object') return JSON.stringify(value) ?? 'null'
  if (value instanceof Uint8Array) return JSON.stringify(Buffer.from(value).toString('base64'))
  if (value instanceof Date) return JSON.stringify(value) ?? 'null'
  if (Array.isArray(value)) return `[${value.map(jsonOf).join(',')}]`
  const entries = value instanceof Map ? [...value] : Object.entries(value)
  return `{${entries.map(([key, item]) => `${JSON.stringify(keyText(key))}:${jsonOf(item)}`).join(',')}}`
}
