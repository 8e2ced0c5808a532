/** The load that leaves absent sessions with queues behind. */
import { publishTemplate, subscribeFrame, type ProtocolVersion } from './frames.ts'
import { append, closeLink, flush, newLoad, nextPacketId, openLink, until } from './link.ts'
import { streamOut } from './stream-out.ts'

export interface BacklogOptions {
  readonly port: number
  readonly version: ProtocolVersion
  readonly sessions: number
  readonly messages: number
  readonly payloadBytes: number
}

const LIMIT_MS = 150_000
/** Sessions made at a time. */
const GROUP = 500
/** Sessions that share a topic. */
const PER_TOPIC = 100

/** Leaves `sessions` absent sessions behind, each with `messages` queued. */
export async function runBacklog(options: BacklogOptions) {
  const { sessions, messages, version } = options
  const load = newLoad(options.port, version)
  for (let first = 0; first < sessions; first += GROUP) {
    const end = Math.min(sessions, first + GROUP)
    const links = Array.from({ length: end - first }, (_, index) =>
      openLink(load, `backlog-${first + index}`, false),
    )
    await until(load, () => load.connected >= end, LIMIT_MS, 'connecting')
    for (const [index, link] of links.entries()) {
      const topic = Math.floor((first + index) / PER_TOPIC)
      append(link, subscribeFrame(version, 1, `backlog/${topic}`, 1))
      flush(link)
    }
    await until(load, () => load.subscribed >= end, LIMIT_MS, 'subscribing')
    for (const link of links) closeLink(link)
  }
  const topics = Math.ceil(sessions / PER_TOPIC)
  const publisher = openLink(load, `backlog-pub-${process.pid}`)
  await until(load, () => load.connected > sessions, LIMIT_MS, 'connecting the publisher')
  const frames = Array.from({ length: topics }, (_, topic) =>
    publishTemplate({
      version,
      topic: `backlog/${topic}`,
      qos: 1,
      retain: false,
      payloadBytes: options.payloadBytes,
      publisherId: publisher.id,
    }),
  )
  const frameAt = (index: number): Uint8Array => {
    const { bytes, packetIdAt } = frames[index % topics]
    bytes.writeUInt16BE(nextPacketId(publisher), packetIdAt)
    return bytes
  }
  const started = performance.now()
  await streamOut(load, publisher, topics * messages, frameAt, () => load.acked, LIMIT_MS)
  const seconds = (performance.now() - started) / 1000
  return {
    sessions,
    queued: sessions * messages,
    queued_per_s: Math.round((sessions * messages) / seconds),
  }
}
