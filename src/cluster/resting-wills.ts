/** Wills with a delay whose node is gone: they wait on where those of clients that are away do, in the records of their sessions. */
import type { SessionRecord, StoredWill } from '../ports/store.ts'
import type { ClusterNode } from './cluster-node.ts'
import type { FoundWill } from './left-wills.ts'
import type { SessionRow } from './rows.ts'
import type { KnownSession } from './session-table.ts'

/** As a record keeps it. `sinceMs`: so long its client has been gone. */
export function storedWill({ will }: FoundWill, nowMs: number, sinceMs: number): StoredWill {
  const { message, delaySeconds, remote, origin } = will
  return { message, dueAtMs: nowMs + delaySeconds * 1000 - sinceMs, remote, origin }
}

/**
 * Resolves to those that no session waits with, for it has ended, or whose client is back and was so too late; forgets those whose
 * client is back in time.
 */
export async function restWills(
  node: ClusterNode,
  wills: readonly FoundWill[],
): Promise<readonly FoundWill[]> {
  const { table, writer, wire, options, membership } = node
  const nowMs = options.wallMs()
  const due = new Set<FoundWill>()
  for (let open = wills; open.length > 0 && !wire.isClosed;) {
    const written = new Map<FoundWill, [KnownSession, SessionRow]>()
    for (const found of open) {
      const known = table.get(found.clientId)
      const record = known?.row.record ?? null
      const goneMs = membership.goneForMs(found.node, found.run)
      if (known === undefined || record === null) due.add(found)
      else if (isBack(node, known)) {
        if (goneMs >= found.will.delaySeconds * 1000) due.add(found)
      } else {
        written.set(found, [known, known.row])
        keep(node, known, { ...record, will: storedWill(found, nowMs, goneMs) })
      }
    }
    if (written.size > 0) await writer.flush()
    // Where another node was faster the row is that one's, and is looked at again.
    open = [...written].flatMap(([found, [known, row]]) => (known.row === row ? [] : [found]))
  }
  return [...due]
}

/** Here, or at another node: that one has seen to the will, or, started again, is about to see to those of before. */
function isBack({ membership, options }: ClusterNode, { row: { owner }, local }: KnownSession) {
  return local !== null || (owner !== '' && owner !== options.node && membership.isAlive(owner))
}

function keep({ table, writer, options }: ClusterNode, known: KnownSession, record: SessionRecord) {
  const { row } = known
  row.owner = ''
  row.keeper = options.node
  row.record =
    record.disconnectedAtMs < 0 ? { ...record, disconnectedAtMs: options.wallMs() } : record
  table.announce(known, row)
  writer.writeWithGroup(known)
}
