/** How many bridges a message has crossed (`bridge_max_hops`): what ends it in a ring of any length. */
import { PacketType, type Version } from '../codec/packets.ts'
import { NO_PROPERTY_LIMITS, readProperties, type PropertyLimits } from '../codec/properties.ts'
import { encodeForwardableProperties } from '../codec/encode-publish.ts'
import { type PublishView } from '../codec/publish.ts'
import { encodedLength } from '../codec/utf8.ts'

/** Name of the user property that counts them. */
export const HOPS_PROPERTY = 'mozzie-hops'

/**
 * The forwardable properties of a message with one bridge more in them; null when it has crossed `hopsMax` already, or when
 * the count does not fit within `limits`: a remote that has them would end the link, each time that the message comes.
 * Below 5.0 there is nothing to tell it in. `hopsMax` 0: they stay as they are.
 */
export function countHop(
  { bytes, propertiesStart, propertiesEnd }: PublishView,
  forwardable: Uint8Array,
  hopsMax: number,
  version: Version,
  limits: PropertyLimits = NO_PROPERTY_LIMITS,
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
  const counted = userProperties.filter(([name]) => name !== HOPS_PROPERTY)
  counted.push([HOPS_PROPERTY, String(crossed + 1)])
  if (!fit(counted, limits)) return null
  return encodeForwardableProperties({ ...properties, userProperties: counted })
}

function fit(
  pairs: readonly (readonly [string, string])[],
  { userPropertiesMax, userPropertyBytesMax }: PropertyLimits,
): boolean {
  let bytes = 0
  for (const [name, value] of pairs) bytes += encodedLength(name) + encodedLength(value)
  return pairs.length <= userPropertiesMax && bytes <= userPropertyBytesMax
}
