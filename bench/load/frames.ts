/**
 * The few MQTT 3.1.1 and 5 frames a load client sends, encoded here and not by `src/codec`: a
 * broker must not be measured, or found correct, by its own encoder.
 */

export type ProtocolVersion = 4 | 5

/**
 * Bytes at the start of every payload: float64 send time (ms), then uint32 publisher id and flag.
 */
export const STAMP_BYTES = 12
/** Set in the id word of a message whose send time is filled in. */
export const SAMPLED_FLAG = 0x80

const EXPIRY_NEVER = 0xffffffff

function sessionExpiry(seconds: number): Buffer {
  const property = Buffer.from([5, 0x11, 0, 0, 0, 0])
  property.writeUInt32BE(seconds, 2)
  return property
}

function variableByteInteger(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  do {
    const low = rest & 0x7f
    rest >>>= 7
    bytes.push(rest > 0 ? low | 0x80 : low)
  } while (rest > 0)
  return bytes
}

function utf8String(text: string): Buffer {
  const body = Buffer.from(text)
  return Buffer.concat([Buffer.from([body.length >> 8, body.length & 0xff]), body])
}

function frame(header: number, parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts)
  return Buffer.concat([Buffer.from([header, ...variableByteInteger(body.length)]), body])
}

function word(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff])
}

/** CONNECT without keep-alive; `clean: false` asks for a session that lasts; absent: for ever. */
export function connectFrame(
  version: ProtocolVersion,
  clientId: string,
  clean: boolean,
  expirySeconds = EXPIRY_NEVER,
): Buffer {
  const properties = clean ? Buffer.from([0]) : sessionExpiry(expirySeconds)
  return frame(0x10, [
    utf8String('MQTT'),
    Buffer.from([version, clean ? 2 : 0, 0, 0]),
    version === 5 ? properties : Buffer.alloc(0),
    utf8String(clientId),
  ])
}

/** SUBSCRIBE with one filter. */
export function subscribeFrame(
  version: ProtocolVersion,
  packetId: number,
  filter: string,
  qos: number,
): Buffer {
  const noProperties = Buffer.alloc(version === 5 ? 1 : 0)
  return frame(0x82, [word(packetId), noProperties, utf8String(filter), Buffer.from([qos])])
}

export const DISCONNECT_FRAME: Uint8Array = Buffer.from([0xe0, 0])

/** One PUBLISH, encoded once, and where in it the parts lie that differ from message to message. */
export interface PublishTemplate {
  readonly bytes: Buffer
  /** Offset of the packet id; meaningless at QoS 0. */
  readonly packetIdAt: number
  readonly payloadAt: number
  readonly qos: number
}

export interface PublishShape {
  readonly version: ProtocolVersion
  readonly topic: string
  readonly qos: number
  readonly retain: boolean
  /** At least {@link STAMP_BYTES}. */
  readonly payloadBytes: number
  readonly publisherId: number
}

export function publishTemplate(shape: PublishShape): PublishTemplate {
  const payload = Buffer.alloc(shape.payloadBytes)
  payload.writeUInt32BE(shape.publisherId, 8)
  const header = 0x30 | (shape.qos << 1) | (shape.retain ? 1 : 0)
  const packetId = Buffer.alloc(shape.qos > 0 ? 2 : 0)
  const noProperties = Buffer.alloc(shape.version === 5 ? 1 : 0)
  const bytes = frame(header, [utf8String(shape.topic), packetId, noProperties, payload])
  const payloadAt = bytes.length - payload.length
  return {
    bytes,
    packetIdAt: payloadAt - noProperties.length - packetId.length,
    payloadAt,
    qos: shape.qos,
  }
}
