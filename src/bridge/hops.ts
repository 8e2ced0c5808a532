/** How many bridges a message has crossed (`bridge_max_hops`): what ends it in a ring of any length. */
import { PacketType, type Version } from '../codec/packets.ts'
import { readProperties } from '../codec/properties.ts'
import { encodeForwardableProperties } from '../codec/encode-publish.ts'
import { type PublishView } from '../codec/publish.ts'

/** Name of the user property that counts them. */
export const HOPS_PROPERTY = 'mozzie-hops'

/**
 * The forwardable properties of a message with one bridge more in them; null when it has crossed `hopsMax` already.
 * Below 5.0 there is nothing to tell it in. `hopsMax` 0: they stay as they are.
 */
export function countHop(
  { bytes, propertiesStart, propertiesEnd }: PublishView,
  forwardable: Uint8Array,
  hopsMax: number,
  version: Version,
): Uint8Array | null {
  if (hopsMax === 0) return forwardable
  const properties =
    propertiesStart === propertiesEnd
      ? {}
      : readProperties(PacketType.publish, bytes, propertiesStart, propertiesEnd)
  const userProperties = properties.userProperties ?? []
  const said = userProperties.find(([name]) => name === HOPS_PROPERTY)?.[1] ?? ''
  // Clients can write it as well: what is no count counts as none.
  const crossed = /^\d{1,3}$/.test(said) ? Number(said) : 0
  if (crossed >= hopsMax) return null
  if (version < 5) return forwardable
  const others = userProperties.filter(([name]) => name !== HOPS_PROPERTY)
  return encodeForwardableProperties({
    ...properties,
    userProperties: [...others, [HOPS_PROPERTY, String(crossed + 1)]],
  })
}
