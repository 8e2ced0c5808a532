/**
 * SUBSCRIBE and UNSUBSCRIBE from their bytes to their end. A small one is through at once; the rest of a large one is
 * a task, and `Connection.request` until it is through: what the client sends meanwhile waits behind it.
 */
import { PacketType } from '../../codec/packets.ts'
import { endList, openFilterList, suspendList } from '../session/filter-list.ts'
import { beginSubscribe } from '../session/subscribe-one.ts'
import { subscribeSome, unsubscribeSome } from '../session/subscribe.ts'
import { askTurnEnd, type Core } from '../state/core.ts'
import { isOpen, type FilterList, type OpenConnection } from '../state/model.ts'
import { addTask } from '../state/work.ts'
import { fail } from './failing.ts'
import { restartWatch } from './keepalive.ts'
import { logReceived } from '../state/words.ts'

export function onFilterList(
  core: Core,
  connection: OpenConnection,
  first: number,
  bytes: Uint8Array,
  bodyStart: number,
  frameEnd: number,
): void {
  const type = (first >> 4) as 8 | 10
  logReceived(core, connection, type === PacketType.subscribe ? 'SUBSCRIBE' : 'UNSUBSCRIBE')
  const list =
    type === PacketType.subscribe
      ? beginSubscribe(core, connection, bytes, bodyStart, frameEnd)
      : openFilterList(core, connection, type, bytes, bodyStart, frameEnd)
  // What it brings may close the connection.
  if (list === null || handleSome(core, connection, list) || !isOpen(connection)) return
  suspendList(core, connection, list)
  goOnLater(core, connection, list)
}

function handleSome(core: Core, connection: OpenConnection, list: FilterList): boolean {
  return list.type === PacketType.subscribe
    ? subscribeSome(core, connection, list)
    : unsubscribeSome(core, connection, list)
}

function goOnLater(core: Core, connection: OpenConnection, list: FilterList): void {
  const { later } = list
  const add = (): void => {
    list.later = null
    addTask(core, () => goOn(core, connection, list))
  }
  if (later === null) add()
  else later(add)
}

/** A portion; true: there is more, and nothing to wait for. */
function goOn(core: Core, connection: OpenConnection, list: FilterList): boolean {
  if (!isOpen(connection)) return false
  try {
    const isOver = handleSome(core, connection, list)
    if (!isOpen(connection)) return false
    if (isOver) end(core, connection, list)
    else if (list.later === null) return true
    else goOnLater(core, connection, list)
  } catch (error) {
    fail(core, connection, error)
  }
  return false
}

/** It is answered: input goes on. */
function end(core: Core, connection: OpenConnection, list: FilterList): void {
  endList(core, connection, list)
  restartWatch(core, connection)
  core.opened.push(connection)
  askTurnEnd(core)
}
