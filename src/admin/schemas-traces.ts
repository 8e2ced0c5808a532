/** What the API says of packet traces. */
import { flag, integer, list, nullable, object, oneOf, text, type Static } from './schema.ts'

const timeMs = integer('Wall clock, ms since 1970.')

export const traceBody = object(
  {
    clientId: text('Packets of this client.', { minLength: 1, maxLength: 65_535 }),
    topic: text('PUBLISH packets whose topic matches this filter.', {
      minLength: 1,
      maxLength: 65_535,
    }),
    address: text('Packets from and to this IP address.', { minLength: 1, maxLength: 100 }),
    seconds: integer('Ends after so many seconds.', { minimum: 1, maximum: 3600, default: 300 }),
    packetsMax: integer('Keeps the last so many packets.', {
      minimum: 10,
      maximum: 10_000,
      default: 2000,
    }),
  },
  ['clientId', 'topic', 'address', 'seconds', 'packetsMax'],
)
export type TraceBody = Static<typeof traceBody>

export const trace = object({
  id: text('Its name.'),
  clientId: nullable(text('Client.')),
  topic: nullable(text('Topic filter.')),
  address: nullable(text('IP address.')),
  startedAtMs: timeMs,
  endsAtMs: timeMs,
  running: flag('Still takes packets.'),
  packets: integer('Packets kept.'),
  seen: integer('Packets seen, those left out for lack of room included.'),
})
export type Trace = Static<typeof trace>
export const traces = object({ traces: list(trace, 'Newest last.') })

export const tracePacket = object({
  number: integer('From 1 on; missing numbers were left out.'),
  timeMs,
  direction: oneOf('From or to the client.', ['received', 'sent']),
  clientId: nullable(text('Client id; null: not known yet.')),
  remote: text('Address and port.'),
  type: text('CONNECT, PUBLISH, ...'),
  bytes: integer('Size of the packet.'),
  summary: text('One line.'),
  fields: text('The decoded packet as JSON; no password, payloads by size alone.'),
  payload: nullable(text('The first 1024 bytes of the payload of a PUBLISH, in base64.')),
})
export type TracePacket = Static<typeof tracePacket>
export const traceQuery = object(
  { after: integer('Only packets with a higher number.', { minimum: 0, default: 0 }) },
  ['after'],
)
export const traceReply = object({ trace, packets: list(tracePacket, 'At most 500.') })
export const traceParams = object({ id: text('Name of the trace.', { maxLength: 40 }) })
export const downloadQuery = object({ format: oneOf('Absent: jsonl.', ['jsonl', 'text']) }, [
  'format',
])
