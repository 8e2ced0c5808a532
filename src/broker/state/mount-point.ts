/**
 * `mount_point`: clients of a listener live below a prefix that they do not see. It goes before every topic and
 * filter on the way in, and off every topic on the way out; everything between knows whole names only.
 */
import { encodedLength } from '../../codec/utf8.ts'
import { parseShared } from '../../topics/names.ts'
import type { Message } from '../../ports/message.ts'

export interface MountPoint {
  readonly prefix: string
  /** Bytes of the prefix in UTF-8. */
  readonly byteLength: number
  /** The topic last published to, whole: most clients publish to one at a time. */
  lastName: string
  lastBytes: Uint8Array
}

const encoder = new TextEncoder()
const TEXT_BYTES_MAX = 65_535

/** null: no prefix. */
export function mountPointOf(prefix: string): MountPoint | null {
  if (prefix === '') return null
  const { length: byteLength } = encoder.encode(prefix)
  return { prefix, byteLength, lastName: '', lastBytes: new Uint8Array(0) }
}

/** `$share/group/` stays in front [MQTT-4.8.2-1]. */
export function mountFilter(mount: MountPoint | null, filter: string): string {
  if (mount === null) return filter
  const shared = parseShared(filter)
  if (shared === null) return mount.prefix + filter
  return `$share/${shared.group}/${mount.prefix}${shared.filter}`
}

/** Whether a name or filter still fits a packet's string with the prefix before it. */
export function fitsMounted(mount: MountPoint | null, whole: string): boolean {
  return mount === null || encodedLength(whole) <= TEXT_BYTES_MAX
}

/** Gives `message`, whose topic is `name` with the prefix, that topic's bytes. */
export function mountTopic(mount: MountPoint, name: string, message: Message): void {
  if (mount.lastName !== name) {
    mount.lastName = name
    mount.lastBytes = encoder.encode(name)
  }
  message.topic = mount.lastBytes
  message.topicStart = 0
  message.topicEnd = mount.lastBytes.length
}

/**
 * Calls `send` while the topic of `message`, kept, lacks the prefix; false without a call when it is another
 * one: the session began at a listener elsewhere.
 */
export function withoutMountPoint(
  mount: MountPoint,
  message: Message,
  send: (message: Message) => boolean,
): boolean {
  const { prefix, byteLength } = mount
  if (!message.topicName.startsWith(prefix) || message.topicName === prefix) return false
  message.topicStart += byteLength
  try {
    return send(message)
  } finally {
    message.topicStart -= byteLength
  }
}
