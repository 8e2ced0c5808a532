/** Server-sent events: samples, clients coming and going, log lines. */
import type { FastifyReply } from 'fastify'
import { LogType } from '../base/log.ts'
import type { Admin } from './admin.ts'
import { HttpError } from './http-error.ts'
import type { Static } from './schema.ts'
import type { eventsQuery, LogLine, logQuery } from './schemas-broker.ts'
import type { RecentLine } from './source.ts'

const STREAMS_MAX = 32
const WAITING_BYTES_MAX = 1 << 20
/** Of each kind a second and stream: nobody reads more, and each is a write. */
const EVENTS_PER_SECOND_MAX = 200
const HEARTBEAT_MS = 15_000

type Kind = 'stats' | 'client' | 'log'
const KINDS: readonly string[] = ['stats', 'client', 'log'] satisfies Kind[]

type LevelName = Exclude<keyof typeof LogType, 'internal'>
const levelNames = Object.keys(LogType).filter((name) => name !== 'internal') as LevelName[]
const nameOfLevel = new Map<number, string>(levelNames.map((name) => [LogType[name], name]))

export interface Streams {
  /**
   * Answers a request with a stream that lasts until its reader leaves, or `isWelcome`, asked every second, is false.
   *
   * @throws HttpError
   */
  open(query: Static<typeof eventsQuery>, reply: FastifyReply, isWelcome: () => boolean): void
  closeAll(): void
}

interface Wanted {
  readonly kinds: ReadonlySet<string>
  readonly clientId: string | null
  readonly text: string
  readonly logMask: number
}

/** @param stayOpen Is told of a reply that has no end. */
export function createStreams(admin: Admin, stayOpen: (reply: FastifyReply) => void): Streams {
  const streams = new Set<() => void>()
  return {
    open(query, reply, isWelcome) {
      const wanted = wantedOf(query)
      if (streams.size >= STREAMS_MAX)
        throw new HttpError(503, `There are ${STREAMS_MAX} live streams. Close one of them.`)
      const headers = reply.getHeaders()
      reply.hijack()
      const { raw } = reply
      const isHead = reply.request.method === 'HEAD'
      if (!isHead) stayOpen(reply)
      raw.writeHead(200, {
        ...(headers as Record<string, string>),
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        // Proxies that collect what they pass on would hold events back.
        'x-accel-buffering': 'no',
      })
      if (isHead) {
        raw.end()
        return
      }
      const sender = createSender(raw)
      const ends = subscribe(admin, wanted, sender, () => {
        if (!isWelcome()) close()
      })
      const close = (): void => {
        if (!streams.delete(close)) return
        for (const end of ends) end()
        raw.end()
      }
      streams.add(close)
      raw.on('close', close)
      raw.on('error', close)
      raw.write('retry: 2000\n\n')
      if (wanted.kinds.has('stats')) sender.send('stats', statsOf(admin))
    },
    closeAll() {
      for (const close of [...streams]) close()
    },
  }
}

interface Sender {
  send(kind: Kind, data: object): void
  /** Keeps proxies from closing a stream that has nothing to say. */
  beat(): void
}

/** Writes events; those that the reader is too slow for are left out, and counted in an event "gap". */
function createSender(raw: FastifyReply['raw']): Sender {
  const sent: Record<Kind, number> = { stats: 0, client: 0, log: 0 }
  let second = 0
  let missed = 0
  const write = (event: string, data: object): void =>
    void raw.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
  return {
    send(kind, data) {
      const now = Math.floor(Date.now() / 1000)
      if (now !== second) {
        second = now
        sent.stats = sent.client = sent.log = 0
      }
      if (raw.writableLength > WAITING_BYTES_MAX || ++sent[kind] > EVENTS_PER_SECOND_MAX) {
        missed++
        return
      }
      if (missed > 0) write('gap', { missed })
      missed = 0
      write(kind, data)
    },
    beat: () => void raw.write(':\n\n'),
  }
}

function subscribe(
  admin: Admin,
  wanted: Wanted,
  { send, beat }: Sender,
  everySecond: () => void,
): (() => void)[] {
  const { sampler, events, source } = admin
  const { clientId, text, logMask } = wanted
  let beatMs = Date.now()
  const ends = [
    sampler.onSample(({ timeMs }) => {
      if (wanted.kinds.has('stats')) send('stats', statsOf(admin))
      else if (timeMs - beatMs >= HEARTBEAT_MS) {
        beatMs = timeMs
        beat()
      }
      everySecond()
    }),
  ]
  if (wanted.kinds.has('client'))
    ends.push(
      events.onEvent((event) => {
        if (clientId === null || event.clientId === clientId) send('client', event)
      }),
    )
  if (wanted.kinds.has('log'))
    ends.push(
      source.watchLog(logMask, (line) => {
        if (clientId !== null && !line.text.includes(clientId)) return
        if (line.text.includes(text)) send('log', logLine(line))
      }),
    )
  return ends
}

/** The last lines that a reader with these wishes would have seen, oldest first. */
export function recentLines({ source }: Admin, query: Static<typeof logQuery>): LogLine[] {
  const { clientId, text, logMask } = wantedOf(query)
  return source
    .recentLog()
    .filter(
      ({ type, text: line }) =>
        (logMask & type) !== 0 &&
        line.includes(text) &&
        (clientId === null || line.includes(clientId)),
    )
    .map(logLine)
}

function logLine({ number, timeMs, type, text }: RecentLine): LogLine {
  return { number, timeMs, level: nameOfLevel.get(type) ?? 'debug', text }
}

function statsOf({ sampler, source }: Admin): object {
  return { now: sampler.latest(), drops: source.figures.stats.drops }
}

function wantedOf(query: Static<typeof eventsQuery>): Wanted {
  const chosen = namesOf('kinds', query.kinds ?? 'stats', KINDS)
  const withoutDebug = levelNames.filter((name) => name !== 'debug').join(',')
  const levels = namesOf('levels', query.levels ?? withoutDebug, levelNames)
  return {
    kinds: new Set(chosen),
    clientId: query.clientId ?? null,
    text: query.text ?? '',
    logMask: levels.reduce((mask, name) => mask | LogType[name as LevelName], 0),
  }
}

export function namesOf(parameter: string, list: string, known: readonly string[]): string[] {
  const names = list.split(',').map((name) => name.trim())
  for (const name of names)
    if (!known.includes(name))
      throw new HttpError(400, `${parameter}: there is no "${name}", only ${known.join(', ')}.`)
  return names
}
