/**
 * Protobuf by a schema given at run time. protobufjs parses the schema; reading the bytes is ours, because its own reader
 * is generated code, which the page's policy forbids.
 */
import protobuf from 'protobufjs'
import type { Schema } from '../model/settings.ts'
import { float32 } from './decimal.ts'
import { DecodeError } from './lines.ts'

interface Parsed {
  readonly source: string
  readonly messageType: string
  readonly type: protobuf.Type
}

let last: Parsed | null = null

/** The value by the schema's message type (the first one if none is named). Throws DecodeError. */
export function decodeProtobuf(bytes: Uint8Array, schema: Schema | null): unknown {
  if (schema === null) throw new DecodeError('no schema is chosen for this subscription')
  const type = typeOf(schema)
  try {
    return readMessage(protobuf.Reader.create(bytes), type, bytes.length, 0)
  } catch (error) {
    throw new DecodeError(
      `${type.fullName.slice(1)}: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}

/** Throws DecodeError where the schema itself is wrong. */
export function checkProtobuf(schema: Schema): void {
  typeOf(schema)
}

function typeOf({ source, messageType }: Schema): protobuf.Type {
  if (last !== null && last.source === source && last.messageType === messageType) return last.type
  try {
    const { root } = protobuf.parse(source, { keepCase: true })
    root.resolveAll()
    const type = messageType === '' ? firstType(root) : root.lookupType(messageType)
    if (type === null) throw new DecodeError('the schema has no message')
    last = { source, messageType, type }
    return type
  } catch (error) {
    throw new DecodeError(`schema: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function firstType(namespace: protobuf.NamespaceBase): protobuf.Type | null {
  for (const child of namespace.nestedArray) {
    if (child instanceof protobuf.Type) return child
    const inner = child instanceof protobuf.Namespace ? firstType(child) : null
    if (inner !== null) return inner
  }
  return null
}

type Read = (reader: protobuf.Reader) => unknown

const wide =
  (read: (reader: protobuf.Reader) => unknown): Read =>
  (reader) =>
    BigInt(String(read(reader)))

/** Scalar types: how they are read, and their wire type. */
const SCALARS: Record<string, readonly [wire: number, read: Read]> = {
  double: [1, (reader) => reader.double()],
  float: [5, (reader) => float32(reader.float())],
  int32: [0, (reader) => reader.int32()],
  uint32: [0, (reader) => reader.uint32()],
  sint32: [0, (reader) => reader.sint32()],
  fixed32: [5, (reader) => reader.fixed32()],
  sfixed32: [5, (reader) => reader.sfixed32()],
  int64: [0, wide((reader) => signed(varint(reader)))],
  uint64: [0, wide(varint)],
  sint64: [0, wide((reader) => zigzag(varint(reader)))],
  fixed64: [1, wide((reader) => fixed64(reader))],
  sfixed64: [1, wide((reader) => signed(fixed64(reader)))],
  bool: [0, (reader) => reader.bool()],
  string: [2, (reader) => reader.string()],
  bytes: [2, (reader) => reader.bytes()],
}

/** protobufjs gives 64-bit integers as numbers unless one more library is there; no digit may be lost. */
function varint(reader: protobuf.Reader): bigint {
  let value = 0n
  for (let shift = 0n; shift < 70n; shift += 7n) {
    if (reader.pos >= reader.len) throw new DecodeError('cut off within a number')
    const byte = reader.buf[reader.pos++] ?? 0
    value |= BigInt(byte & 0x7f) << shift
    if (byte < 0x80) return BigInt.asUintN(64, value)
  }
  throw new DecodeError('a number of more than 10 bytes')
}

function fixed64(reader: protobuf.Reader): bigint {
  const low = BigInt(reader.fixed32())
  return low | (BigInt(reader.fixed32()) << 32n)
}

const signed = (value: bigint): bigint => BigInt.asIntN(64, value)
const zigzag = (value: bigint): bigint => (value >> 1n) ^ -(value & 1n)

const DEPTH_MAX = 64
/** Its declarations say less of a map field than is true: it is a field. */
type MapField = protobuf.Field & { keyType: string }
const PACKED = 2

function readMessage(
  reader: protobuf.Reader,
  type: protobuf.Type,
  end: number,
  depth: number,
): Record<string, unknown> {
  if (depth > DEPTH_MAX) throw new DecodeError(`more than ${DEPTH_MAX} levels`)
  const value: Record<string, unknown> = {}
  while (reader.pos < end) {
    const tag = reader.uint32()
    const wire = tag & 7
    const field = type.fieldsById[tag >>> 3]
    if (field === undefined) {
      value[`unknown ${tag >>> 3}`] = readUnknown(reader, wire)
      continue
    }
    readField(reader, field.resolve(), wire, value, depth)
  }
  if (reader.pos > end) throw new DecodeError('a field reaches beyond its message')
  return value
}

function readUnknown(reader: protobuf.Reader, wire: number): unknown {
  if (wire === 0) return varint(reader)
  if (wire === 1) return fixed64(reader)
  if (wire === 2) return reader.bytes()
  if (wire === 5) return reader.fixed32()
  throw new DecodeError(`wire type ${wire}`)
}

function readField(
  reader: protobuf.Reader,
  field: protobuf.Field,
  wire: number,
  value: Record<string, unknown>,
  depth: number,
): void {
  if (field instanceof protobuf.MapField) {
    const known = value[field.name]
    const entries: Map<unknown, unknown> =
      known instanceof Map ? known : new Map<unknown, unknown>()
    value[field.name] = entries
    readEntry(reader, field, entries, depth)
    return
  }
  if (!field.repeated) {
    value[field.name] = readValue(reader, field, depth)
    return
  }
  const known = value[field.name]
  const list: unknown[] = Array.isArray(known) ? known : []
  value[field.name] = list
  const packable = SCALARS[field.type]?.[0] !== 2 && !(field.resolvedType instanceof protobuf.Type)
  if (wire !== PACKED || !packable) {
    list.push(readValue(reader, field, depth))
    return
  }
  const end = lengthEnd(reader)
  while (reader.pos < end) list.push(readValue(reader, field, depth))
}

function lengthEnd(reader: protobuf.Reader): number {
  const end = reader.uint32() + reader.pos
  if (end > reader.len) throw new DecodeError('a field reaches beyond the payload')
  return end
}

function readEntry(
  reader: protobuf.Reader,
  field: MapField,
  entries: Map<unknown, unknown>,
  depth: number,
): void {
  const end = lengthEnd(reader)
  let key: unknown = ''
  let value: unknown = null
  while (reader.pos < end) {
    const tag = reader.uint32()
    if (tag >>> 3 === 1) key = SCALARS[field.keyType]?.[1](reader)
    else if (tag >>> 3 === 2) value = readValue(reader, field, depth)
    else readUnknown(reader, tag & 7)
  }
  entries.set(key, value)
}

function readValue(reader: protobuf.Reader, field: protobuf.Field, depth: number): unknown {
  const { resolvedType } = field
  if (resolvedType instanceof protobuf.Type) {
    return readMessage(reader, resolvedType, lengthEnd(reader), depth + 1)
  }
  if (resolvedType instanceof protobuf.Enum) {
    const number = reader.int32()
    return resolvedType.valuesById[number] ?? number
  }
  const scalar = SCALARS[field.type]
  if (scalar === undefined) throw new DecodeError(`type ${field.type}`)
  return scalar[1](reader)
}
