/** Tools for whoever looks for a mistake: access rules, packet traces. */
import { Readable } from 'node:stream'
import { parseShared } from '../../topics/names.ts'
import { HttpError } from '../http-error.ts'
import type { Trace, TracePacket } from '../schemas-traces.ts'
import type { Traces } from '../traces.ts'
import { why } from '../why.ts'
import { whyFactsOf } from '../why-facts.ts'
import type { Handlers, HandlerWorld } from './handler.ts'

type ToolHandlers = Pick<
  Handlers,
  'aclTest' | 'why' | 'traces' | 'traceStart' | 'tracePackets' | 'traceDownload' | 'traceDelete'
>

const PAGE_MAX = 500

export function toolHandlers({ admin }: HandlerWorld): ToolHandlers {
  const { source, traces } = admin
  return {
    aclTest({ query: { action, topic, clientId = '', username = null, port = null } }) {
      const who = { clientId, username }
      // A subscription has rules of its own; then it is what it would bring.
      if (action === 'subscribe') {
        const own = source.explain({ ...who, access: 'subscribe', topic }, port)
        if (!own.allowed) return own
      }
      const access = action === 'publish' ? 'write' : 'read'
      const plain = action === 'subscribe' ? (parseShared(topic)?.filter ?? topic) : topic
      return source.explain({ ...who, access, topic: plain }, port)
    },
    why: async ({ query }) => why(await whyFactsOf(admin, query)),
    traces: () => ({ traces: traces.list() }),
    traceStart: ({ body }) => traces.start(body),
    tracePackets({ params: { id }, query: { after = 0 } }) {
      const trace = traceOf(traces, id)
      return { trace, packets: traces.packets(id, after, PAGE_MAX) }
    },
    traceDownload({ params: { id }, query: { format = 'jsonl' }, reply }) {
      const { startedAtMs } = traceOf(traces, id)
      const lineOf = format === 'jsonl' ? (packet: TracePacket) => JSON.stringify(packet) : textLine
      const type = format === 'jsonl' ? 'application/x-ndjson' : 'text/plain'
      const time = new Date(startedAtMs).toISOString().replace(/[:.]/g, '-')
      const name = `mozzie-trace-${time}.${format === 'jsonl' ? 'jsonl' : 'txt'}`
      return reply
        .type(`${type}; charset=utf-8`)
        .header('content-disposition', `attachment; filename="${name}"`)
        .send(Readable.from(linesOf(traces, id, lineOf)))
    },
    traceDelete: ({ params: { id } }) => ({ done: traces.remove(id) }),
  }
}

function traceOf(traces: Traces, id: string): Trace {
  const trace = traces.get(id)
  if (trace === null) throw new HttpError(404, 'There is no such trace any more.')
  return trace
}

function* linesOf(
  traces: Traces,
  id: string,
  lineOf: (packet: TracePacket) => string,
): IterableIterator<string> {
  let after = 0
  for (;;) {
    const packets = traces.packets(id, after, PAGE_MAX)
    const last = packets.at(-1)
    if (last === undefined) return
    after = last.number
    yield packets.map((packet) => `${lineOf(packet)}\n`).join('')
  }
}

function textLine({ timeMs, direction, clientId, remote, summary }: TracePacket): string {
  const arrow = direction === 'received' ? '-->' : '<--'
  // A topic may hold control characters: this goes to terminals.
  const safe = `${clientId ?? '-'} [${remote}] ${arrow} ${summary}`.replace(
    /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return `${new Date(timeMs).toISOString()} ${safe}`
}
