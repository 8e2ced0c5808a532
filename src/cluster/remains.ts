/** What an earlier session of a client left in other streams. */
import { ApiError } from './failures.ts'
import type { QueuePlace } from './local-session.ts'
import type { StreamEntry, Wire } from './wire.ts'

const EXCHANGES_AT_ONCE = 1000

/** The exchanges of a session that are under way. */
export async function exchangesOf(wire: Wire, name: string, sid: string): Promise<StreamEntry[]> {
  const found: StreamEntry[] = []
  const filter = `${name}.x.${sid}.>`
  for (let from = 1; ;) {
    const first = await wire.readOne(`${name}_X`, { seq: from, next_by_subj: filter })
    if (first === null) return found.filter(({ data }) => data.length > 0)
    const more = await wire.readSome(`${name}_X`, filter, first.sequence, EXCHANGES_AT_ONCE)
    found.push(...(more.length === 0 ? [first] : more))
    from = (found.at(-1)?.sequence ?? from) + 1
  }
}

/** Takes out its queue up to `lastSequence`, and its exchanges. */
export async function clearRemains(
  wire: Wire,
  name: string,
  { stream, subject }: QueuePlace,
  lastSequence: number,
  exchanges: readonly StreamEntry[],
): Promise<void> {
  if (lastSequence > 0)
    await attempt(wire, `STREAM.PURGE.${stream}`, { filter: subject, seq: lastSequence + 1 })
  for (const { sequence } of exchanges)
    await attempt(wire, `STREAM.MSG.DELETE.${name}_X`, { seq: sequence, no_erase: true })
}

/** Asks for something that may have happened already. */
async function attempt(wire: Wire, name: string, body: object): Promise<void> {
  try {
    await wire.api(name, body)
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
  }
}
