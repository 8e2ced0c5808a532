/** QoS 2 messages that came in and are held until their PUBREL, by packet identifier [MQTT-4.3.3-8]. */
import { PacketTable } from '../../base/packet-table.ts'
import type { Message } from '../../ports/message.ts'
import { addKeeper, dropKeeper } from './memory.ts'
import type { Core } from './core.ts'
import type { Session } from './model.ts'

export function heldMessage({ held }: Session, packetId: number): Message | undefined {
  return held === null ? undefined : held.messages.get(packetId)
}

export function heldCount({ held }: Session): number {
  return held === null ? 0 : held.messages.size
}

export function heldBytes({ held }: Session): number {
  return held === null ? 0 : held.bytes
}

/** Their packet identifiers, in no order. */
export function heldIds({ held }: Session): number[] {
  return Array.from(held?.messages.entries() ?? [], ([packetId]) => packetId)
}

/** Holds a kept message under an identifier that is free. */
export function holdUntilPubrel(
  core: Core,
  session: Session,
  packetId: number,
  message: Message,
): void {
  const held = (session.held ??= { messages: new PacketTable(), bytes: 0 })
  held.messages.set(packetId, message)
  held.bytes += message.size
  addKeeper(core, message)
}

/** The identifier is free again; false: it has gone with its session. */
export function dropUnreleased(
  core: Core,
  { held }: Session,
  packetId: number,
  message: Message,
): boolean {
  if (held === null) return false
  held.messages.delete(packetId)
  held.bytes -= message.size
  dropKeeper(core, message)
  return true
}

/** All of them: the session has ended, or the store tells anew what it holds. */
export function dropAllUnreleased(core: Core, session: Session): void {
  const { held } = session
  session.held = null
  for (const [, message] of held?.messages.entries() ?? []) dropKeeper(core, message)
}
