/** The MQTT 5.0 properties of a packet, by the names of the standard. */
import { correlationText } from '../decode/bytes.ts'
import type { Properties } from '../model/message.ts'
import { countText } from '../ui/format.ts'
import { useText } from '../ui/text.ts'

export function PropertyList({ properties }: { properties: Properties }) {
  const t = useText()
  const { userProperties = [], ...rest } = properties
  const entries = Object.entries(rest).filter(([, value]) => value !== undefined)
  return (
    <dl className="properties">
      {entries.map(([name, value]) => (
        <div key={name}>
          <dt>{t.properties[name as keyof typeof t.properties] ?? name}</dt>
          <dd className="mono">{valueText(value)}</dd>
        </div>
      ))}
      {userProperties.map(([name, value], at) => (
        // oxlint-disable-next-line react/no-array-index-key -- names may repeat
        <div key={at} className="is-user">
          <dt className="mono">{name}</dt>
          <dd className="mono">{value}</dd>
        </div>
      ))}
    </dl>
  )
}

function valueText(value: unknown): string {
  if (value instanceof Uint8Array) return correlationText(value)
  if (Array.isArray(value)) return value.map(valueText).join(', ')
  return typeof value === 'number' ? countText(value) : String(value)
}
