/**
 * The packets of all connections, whole. What is received comes packet by packet; what is sent comes as the bytes a
 * connection's writer collected, to be cut again:
 *
 *     segment   [ packet | packet | header of a large PUBLISH ]
 *     segment   [ its payload, shared with other receivers    ]
 */
import { readFrame, type FrameHeader } from '../codec/frame.ts'
import type { Tap } from '../broker/state/core.ts'
import type { Connection, Segment } from '../broker/state/model.ts'
import type { Frame } from './trace-packet.ts'

export interface TappedPacket extends Frame {
  readonly connection: Connection
  readonly direction: 'received' | 'sent'
}

interface Unfinished {
  missing: number
  /** Takes the first bytes of what is missing. */
  readonly payload: ((bytes: Uint8Array) => void) | null
}

/**
 * @param onPacket Looks at a packet; what it returns takes the begin of a payload that comes in another segment.
 */
export function createTap(
  onPacket: (packet: TappedPacket) => ((payload: Uint8Array) => void) | null,
): Tap {
  const unfinished = new WeakMap<Connection, Unfinished>()
  const frame: FrameHeader = { first: 0, bodyStart: -1, frameEnd: -1 }

  const finish = (connection: Connection, { bytes, length }: Segment): number => {
    const rest = unfinished.get(connection)
    if (rest === undefined) return 0
    const taken = Math.min(rest.missing, length)
    rest.payload?.(bytes.subarray(0, taken))
    if (taken === rest.missing) unfinished.delete(connection)
    else unfinished.set(connection, { missing: rest.missing - taken, payload: null })
    return taken
  }

  const cut = (connection: Connection, segment: Segment, from: number): void => {
    const { bytes, length } = segment
    const { version } = connection
    for (let start = from; start < length; start = frame.frameEnd) {
      readFrame(bytes, start, length, frame)
      if (frame.frameEnd < 0) return
      const { bodyStart, frameEnd: end } = frame
      const payload = onPacket({
        connection,
        direction: 'sent',
        version,
        bytes: bytes.subarray(0, length),
        start,
        bodyStart,
        end,
      })
      if (end > length) unfinished.set(connection, { missing: end - length, payload })
    }
  }

  const quietly = (look: () => void): void => {
    try {
      look()
    } catch {
      // A packet that nobody can read is the connection's own trouble, not ours.
    }
  }

  return {
    received(connection, bytes, start, bodyStart, end) {
      const { version } = connection
      quietly(() =>
        onPacket({ connection, direction: 'received', version, bytes, start, bodyStart, end }),
      )
    },
    sent(connection, segment) {
      quietly(() => {
        const from = finish(connection, segment)
        // A shared payload whose header went out before anybody looked.
        if (from === 0 && segment.writer === null) return
        cut(connection, segment, from)
      })
    },
  }
}
