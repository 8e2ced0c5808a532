/**
 * Avro binary (1.11) by a schema given at run time. Ours, because the libraries for it generate code, which the
 * page's policy forbids. Also takes the framings of a schema registry (0x00 and four bytes) and of single objects (0xC3 0x01
 * and eight bytes) in front.
 */
import { plural } from '../i18n/counted.ts'
import type { Schema } from '../model/settings.ts'
import { float32 } from './decimal.ts'
import { DecodeError } from './lines.ts'

type AvroType = string | AvroType[] | AvroObject
interface AvroObject {
  type: AvroType
  name?: string
  namespace?: string
  fields?: { name: string; type: AvroType }[]
  symbols?: string[]
  items?: AvroType
  values?: AvroType
  size?: number
  logicalType?: string
}

const decoder = new TextDecoder()
const DEPTH_MAX = 64

/** The value. Throws DecodeError. */
export function decodeAvro(bytes: Uint8Array, schema: Schema | null): unknown {
  if (schema === null) throw new DecodeError('no schema is chosen for this subscription')
  const type = typeOf(schema)
  const names = new Map<string, AvroObject>()
  collectNames(type, names)
  const problems: string[] = []
  for (const skip of framings(bytes)) {
    try {
      const reader = new AvroReader(bytes.subarray(skip), names)
      const value = reader.read(type, 0)
      reader.expectEnd()
      return value
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error))
    }
  }
  throw new DecodeError(problems[0] ?? 'empty')
}

/** Throws DecodeError where the schema itself is wrong. */
export function checkAvro(schema: Schema): void {
  typeOf(schema)
}

function typeOf({ source }: Schema): AvroType {
  try {
    return JSON.parse(source) as AvroType
  } catch (error) {
    throw new DecodeError(`schema: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** How many bytes may stand in front of the value, none first. */
function framings(bytes: Uint8Array): number[] {
  if (bytes[0] === 0xc3 && bytes[1] === 0x01) return [10, 0]
  return bytes[0] === 0 && bytes.length >= 5 ? [0, 5] : [0]
}

function collectNames(type: AvroType, names: Map<string, AvroObject>): void {
  if (typeof type === 'string') return
  if (Array.isArray(type)) {
    for (const branch of type) collectNames(branch, names)
    return
  }
  if (type.name !== undefined) {
    names.set(type.name, type)
    if (type.namespace !== undefined) names.set(`${type.namespace}.${type.name}`, type)
  }
  for (const field of type.fields ?? []) collectNames(field.type, names)
  if (type.items !== undefined) collectNames(type.items, names)
  if (type.values !== undefined) collectNames(type.values, names)
  if (typeof type.type === 'object') collectNames(type.type, names)
}

class AvroReader {
  private readonly bytes: Uint8Array
  private readonly view: DataView
  private readonly names: Map<string, AvroObject>
  private at = 0
  /** Items of all lists so far. */
  private items = 0n

  constructor(bytes: Uint8Array, names: Map<string, AvroObject>) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.names = names
  }

  expectEnd(): void {
    const left = this.bytes.length - this.at
    if (left > 0) throw new DecodeError(`${left} byte${plural(left)} too many for the schema`)
  }

  read(type: AvroType, depth: number): unknown {
    if (depth > DEPTH_MAX) throw new DecodeError(`more than ${DEPTH_MAX} levels`)
    if (Array.isArray(type)) {
      const branch = type[Number(this.long())]
      if (branch === undefined) throw new DecodeError('a union has no such branch')
      return this.read(branch, depth + 1)
    }
    if (typeof type === 'string') return this.named(type, depth)
    return logical(type, this.complex(type, depth))
  }

  private named(name: string, depth: number): unknown {
    const read = this.primitives[name]
    if (read !== undefined) return read()
    const known = this.names.get(name)
    if (known === undefined) throw new DecodeError(`schema: unknown type '${name}'`)
    return this.complex(known, depth)
  }

  private readonly primitives: Record<string, () => unknown> = {
    null: () => null,
    boolean: () => this.take(1)[0] === 1,
    int: () => Number(this.long()),
    long: () => this.long(),
    float: () => float32(this.view.getFloat32(this.skip(4), true)),
    double: () => this.view.getFloat64(this.skip(8), true),
    bytes: () => this.take(Number(this.long())),
    string: () => decoder.decode(this.take(Number(this.long()))),
  }

  private complex(type: AvroObject, depth: number): unknown {
    switch (type.type) {
      case 'record':
      case 'error':
        return Object.fromEntries(
          (type.fields ?? []).map((field) => [field.name, this.read(field.type, depth + 1)]),
        )
      case 'enum':
        return type.symbols?.[Number(this.long())] ?? null
      case 'fixed':
        return this.take(type.size ?? 0)
      case 'array':
        return this.blocks(() => this.read(type.items ?? 'null', depth + 1))
      case 'map': {
        const entries = this.blocks(() => [
          this.named('string', 0),
          this.read(type.values ?? 'null', depth + 1),
        ])
        return new Map(entries as [string, unknown][])
      }
      default:
        return this.read(type.type, depth + 1)
    }
  }

  /** Arrays and maps come in blocks; a negative count has the block's bytes behind it. */
  private blocks(item: () => unknown): unknown[] {
    const items: unknown[] = []
    for (;;) {
      let count = this.long()
      if (count === 0n) return items
      if (count < 0n) {
        count = -count
        this.long()
      }
      // Items of no bytes at all (null) could be announced without end, and many times.
      this.items += count
      if (this.items > BigInt(this.bytes.length) + 1000n)
        throw new DecodeError('a list longer than the payload')
      for (let at = 0n; at < count; at++) items.push(item())
    }
  }

  private long(): bigint {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.take(1)[0] ?? 0
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return (value >> 1n) ^ -(value & 1n)
    }
    throw new DecodeError('a number of more than 10 bytes')
  }

  private skip(count: number): number {
    const at = this.at
    if (!(count >= 0) || at + count > this.bytes.length)
      throw new DecodeError('the payload is too short for the schema')
    this.at += count
    return at
  }

  private take(count: number): Uint8Array {
    const at = this.skip(count)
    return this.bytes.subarray(at, at + count)
  }
}

function logical({ logicalType }: AvroObject, value: unknown): unknown {
  if (logicalType === 'timestamp-millis') return new Date(Number(value))
  if (logicalType === 'timestamp-micros') return new Date(Number(value) / 1000)
  if (logicalType === 'date') return new Date(Number(value) * 86_400_000)
  return value
}
