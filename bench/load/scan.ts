/** Walks the frames a load receives, and answers them, without making an object of any. */
import { performance } from 'node:perf_hooks'
import { SAMPLED_FLAG, STAMP_BYTES } from './frames.ts'
import { recordLatency } from './latency.ts'
import type { Link, Load } from './model.ts'

const PUBLISH = 3

/**
 * Walks the complete frames in `bytes[start, end)`: counts, answers into `link.out` (the caller
 * reserved the room) and returns the offset of the first incomplete frame. Deliveries are handled
 * inline; one call per message would show.
 */
export function scanFrames(
  load: Load,
  link: Link,
  bytes: Buffer,
  view: DataView,
  start: number,
  end: number,
): number {
  const { links } = load
  const propertyBytes = load.version === 5
  let delivered = 0
  let at = start
  while (end - at >= 2) {
    const header = bytes[at]
    let length = bytes[at + 1]
    let body = at + 2
    if (length > 127) {
      body = longLengthEnd(bytes, at, end)
      if (body === 0) break
      length = longLength(bytes, at)
    }
    const next = body + length
    if (next > end) break
    if (header >> 4 === PUBLISH) {
      let offset = body + 2 + ((bytes[body] << 8) | bytes[body + 1])
      if ((header & 0x06) !== 0) {
        answer(link, (header & 0x06) === 0x02 ? 0x40 : 0x50, bytes[offset], bytes[offset + 1])
        offset += 2
      }
      if (propertyBytes) offset += 1 + bytes[offset]
      delivered++
      if (next - offset >= STAMP_BYTES) {
        const publisher = (bytes[offset + 9] << 16) | (bytes[offset + 10] << 8) | bytes[offset + 11]
        if (publisher < links.length) links[publisher].done++
        if (bytes[offset + 8] === SAMPLED_FLAG) {
          recordLatency(load.latency, view.getFloat64(offset), performance.now())
        }
      }
    } else {
      onControl(load, link, header, bytes, body, length)
    }
    at = next
  }
  load.delivered += delivered
  return at
}

function answer(link: Link, header: number, idHigh: number, idLow: number): void {
  const { out } = link
  const at = link.outLength
  out[at] = header
  out[at + 1] = 2
  out[at + 2] = idHigh
  out[at + 3] = idLow
  link.outLength = at + 4
}

function onControl(
  load: Load,
  link: Link,
  header: number,
  bytes: Buffer,
  body: number,
  length: number,
): void {
  switch (header >> 4) {
    case 2: // CONNACK
      if (length < 2 || bytes[body + 1] !== 0) {
        load.failure ||= `connection refused, code ${bytes[body + 1]}`
      }
      load.connected++
      break
    case 4: // PUBACK
    case 7: // PUBCOMP
      load.acked++
      link.inflight--
      if (load.ackLatency !== null && link.sentMs !== null) {
        const sentMs = link.sentMs[(bytes[body] << 8) | bytes[body + 1]]
        recordLatency(load.ackLatency, sentMs, performance.now())
      }
      break
    case 5: // PUBREC
      answer(link, 0x62, bytes[body], bytes[body + 1])
      break
    case 6: // PUBREL
      answer(link, 0x70, bytes[body], bytes[body + 1])
      break
    case 9: // SUBACK
      load.subscribed++
      break
    case 14: // DISCONNECT
      load.failure ||= `disconnected by the broker, code ${length > 0 ? bytes[body] : 0}`
      break
    default:
      load.failure ||= `unexpected packet type ${header >> 4}`
  }
}

/** Offset behind a remaining length of two to four bytes; 0 when it is not all there. */
function longLengthEnd(bytes: Buffer, at: number, end: number): number {
  for (let index = at + 2; index < at + 5; index++) {
    if (index >= end) return 0
    if (bytes[index] < 128) return index + 1
  }
  throw new Error('malformed remaining length from the broker')
}

function longLength(bytes: Buffer, at: number): number {
  let length = bytes[at + 1] & 0x7f
  for (let index = at + 2, shift = 7; ; index++, shift += 7) {
    length |= (bytes[index] & 0x7f) << shift
    if (bytes[index] < 128) return length
  }
}
