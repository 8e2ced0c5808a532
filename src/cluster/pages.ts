/** A page of a queue. */
import type { ClusterNode } from './cluster-node.ts'
import { readEntry } from './entries.ts'
import type { Page } from './local-session.ts'

/** Entries behind `after`, of a session that is here or of any other: those are only looked at. */
export async function readPage(
  node: ClusterNode,
  clientId: string,
  after: number,
  limit: number,
): Promise<Page> {
  const first = node.table.get(clientId)?.local?.firstPage(after, limit) ?? null
  if (first !== null) return first
  await node.writer.flush()
  const known = node.table.get(clientId)
  if (known === undefined || known.row.isGone) return { entries: [], more: false }
  const { local } = known
  if (local !== null) {
    await node.hearAll(local)
    return local.page(after, limit)
  }
  const { stream, subject } = node.placeOf(known)
  const last = await node.wire.readOne(stream, { last_by_subj: subject })
  if (last === null) return { entries: [], more: false }
  const read = await node.wire.readTo(stream, subject, after + 1, last.sequence, limit)
  const entries = read.map(({ data, sequence }) => readEntry(data, sequence, false))
  return { entries, more: (read.at(-1)?.sequence ?? last.sequence) < last.sequence }
}
