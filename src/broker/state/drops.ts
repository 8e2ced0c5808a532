import { LogType } from '../../base/log.ts'
import type { Core, Session } from './model.ts'
import type { DropReason } from '../../ports/stats.ts'

/** The receiver is behind; mosquitto says so once a connection. */
const behind = new Set<DropReason>(['queueFull', 'slowClient'])

/** Counts a message that `session` does not get; null: nobody gets it. */
export function dropped(core: Core, session: Session | null, reason: DropReason): void {
  core.stats.publishDropped++
  core.stats.drops[reason]++
  if (session === null) return
  session.dropped++
  session.lastDrop = reason
  session.lastDropMs = core.ports.clock.wallMs()
  if (session.dropNoted || !behind.has(reason)) return
  session.dropNoted = true
  const { log } = core.ports
  const { clientId: client } = session
  if (log.mask & LogType.notice)
    log.write(LogType.notice, `Outgoing messages are being dropped for client ${client}.`, {
      event: 'messages_dropped',
      client,
    })
}
