/** What there is to know of one client, a line each. */
import { bytesText, countText, dateTimeText } from '../ui/format.ts'
import { useText } from '../ui/text.ts'
import type { ClientDetail } from './api.ts'
import { useBrokerText } from './text.ts'

const NEVER = 0xffff_ffff
const VERSIONS: Record<number, string> = { 3: '3.1', 4: '3.1.1', 5: '5.0' }

export function versionText(version: number): string {
  return VERSIONS[version] ?? String(version)
}

export function Facts({ client }: { client: ClientDetail }) {
  const t = useText()
  const b = useBrokerText()
  const yesNo = (value: boolean | null) => (value === null ? '–' : value ? t.yes : t.no)
  const facts: [string, string][] = [
    [b.columns.username, client.username ?? b.anonymous],
    [b.columns.remote, client.remote ?? '–'],
    [b.facts.port, client.port === null ? '–' : String(client.port)],
    ...(client.thread === null
      ? []
      : [[b.facts.thread, String(client.thread)] satisfies [string, string]]),
    ...(client.node === null ? [] : [[b.columns.node, client.node] satisfies [string, string]]),
    [b.columns.version, versionText(client.version)],
    [
      b.columns.connectedAtMs,
      client.connectedAtMs === null ? '–' : dateTimeText(client.connectedAtMs).slice(0, 19),
    ],
    [b.facts.durable, yesNo(client.durable)],
    [b.facts.cleanStart, yesNo(client.cleanStart)],
    [
      b.facts.expirySeconds,
      client.expirySeconds === NEVER ? b.never : countText(client.expirySeconds),
    ],
    [
      b.facts.keepAliveSeconds,
      client.keepAliveSeconds === null ? '–' : String(client.keepAliveSeconds),
    ],
    [
      b.facts.receiveMaximum,
      client.receiveMaximum === null ? '–' : countText(client.receiveMaximum),
    ],
    [
      b.facts.maximumPacketBytes,
      client.maximumPacketBytes === null ? '–' : bytesText(client.maximumPacketBytes),
    ],
    [b.facts.publishReceived, countText(client.publishReceived)],
    [b.facts.publishSent, countText(client.publishSent)],
    [b.facts.bytesReceived, bytesText(client.bytesReceived)],
    [b.facts.bytesSent, bytesText(client.bytesSent)],
    [b.facts.queuedBytes, bytesText(client.queuedBytes)],
    [b.facts.outputBytes, bytesText(client.outputBytes)],
    [b.facts.heldInbound, countText(client.heldInbound)],
    [
      b.facts.ackedAtMs,
      client.ackedAtMs === null ? '–' : dateTimeText(client.ackedAtMs).slice(0, 19),
    ],
    [
      b.will,
      client.will === null
        ? b.none
        : client.will.topic +
          t.aside(t.phrases([`QoS ${client.will.qos}`, bytesText(client.will.payloadBytes)])),
    ],
  ]
  return (
    <dl className="properties is-large">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}
