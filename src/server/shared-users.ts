/**
 * Users, groups and roles of a cluster: one state at all nodes. A command is answered when every node that lives acts on what
 * it changed; a node that comes has the newest state before it serves anybody. The files are copies.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { LogType, type Log } from '../base/log.ts'
import type { DynamicSecurity } from '../auth/dynamic/dynamic-security.ts'
import { readState } from '../auth/dynamic/read-state.ts'
import { formatState } from '../auth/dynamic/write-state.ts'
import { replaceFile } from '../auth/replace-file.ts'
import type { Broker } from '../broker/broker.ts'
import type { ClusterNode } from '../cluster/cluster-node.ts'
import { SharedText } from '../cluster/shared-text.ts'

const KEY = 'dynamic security'
const RETRY_MS = 500

export interface SharedUsers {
  /** As `DynamicWorld.share`. */
  share(text: string, isStale: () => boolean, taken: () => void): Promise<boolean>
  /** Resolves when all nodes act on what is in force here. */
  everywhere(): Promise<void>
  /** Ends connections of users at the other nodes; null: of clients without a user name. */
  kick(usernames: readonly (string | null)[]): Promise<void>
}

/**
 * @param dynamicOf Called when the cluster is there.
 * @param broker Whose clients are looked at again when their rights are others.
 */
export function shareUsers(
  node: ClusterNode,
  dynamicOf: () => DynamicSecurity,
  broker: Broker,
  log: Log,
): SharedUsers {
  let dynamic: DynamicSecurity
  let shared: SharedText
  /** Of the state that is in force. */
  let sequence = 0
  let last: Promise<unknown> = Promise.resolve()
  let copying: Promise<void> = Promise.resolve()

  // One after the other: what is heard must not go under what is written.
  const inTurn = <T>(run: () => Promise<T>): Promise<T> => {
    const done = last.then(run)
    last = done.catch(() => {})
    return done
  }

  const copy = (text: string, of: number): void => {
    copying = copying.then(() => (of === sequence ? writeCopy(dynamic.file, text, log) : undefined))
  }

  /** Resolves when the newest text that this node has heard of is in force. */
  const follow = (): Promise<void> =>
    inTurn(async () => {
      if (shared.sequence <= sequence) return
      const found = await shared.read()
      dynamic.replace(readState(found.text, dynamic.file).state)
      sequence = found.sequence
      copy(found.text, sequence)
      broker.recheckLogins()
    })

  const act = async (wanted: number, more: unknown): Promise<void> => {
    if (sequence < wanted && shared.sequence < wanted) await node.records.refresh()
    await follow()
    if (sequence < wanted) throw new Error('not heard yet')
    for (const username of (more ?? []) as (string | null)[]) broker.kickUser(username)
  }

  node.beforeServing = async () => {
    const { wire, options, membership, records } = node
    dynamic = dynamicOf()
    dynamic.isShared = true
    shared = new SharedText(wire, options, membership, records, KEY)
    const written = await seed(shared, node, formatState(dynamic.state))
    sequence = written ?? 0
    node.onRecords = () => void follow().catch((error: unknown) => node.broken(error))
    shared.answerWith(act)
    await follow()
    log.write(LogType.notice, originOf(dynamic.file, written !== null))
  }

  const tell = (more: unknown): Promise<void> =>
    shared.tell(sequence, more, ({ sharesUsers }) => sharesUsers === true)

  return {
    async share(text, isStale, taken) {
      if (!node.isJoined) throw new Error('the cluster is not there yet')
      const isMade = await inTurn(async () => {
        if (isStale()) return false
        const written = await shared.write(text, sequence)
        if (written === null) return false
        sequence = written
        taken()
        copy(text, written)
        return true
      })
      if (!isMade) await follow()
      return isMade
    },
    everywhere: () => tell(null),
    async kick(usernames) {
      if (usernames.length > 0) await tell(usernames)
    },
  }
}

/** Where there is no state yet this is it; resolves to its sequence, or to null: there is one. */
async function seed(shared: SharedText, node: ClusterNode, text: string): Promise<number | null> {
  while (shared.sequence === 0 && !node.wire.isClosed) {
    const written = await shared.write(text, 0).catch(() => null)
    if (written !== null) return written
    await pause(RETRY_MS)
    await node.records.refresh()
  }
  return null
}

function originOf(file: string, isSeed: boolean): string {
  return isSeed
    ? `The cluster had no users, groups and roles: those of ${file} are everybody's from now on.`
    : `Users, groups and roles are those of the cluster: ${file} is a copy.`
}

async function writeCopy(file: string, text: string, log: Log): Promise<void> {
  try {
    await replaceFile(file, text)
  } catch (error) {
    const why = (error as Error).message
    log.write(LogType.warning, `Warning: ${file} is no copy of the cluster's users: ${why}.`)
  }
}
