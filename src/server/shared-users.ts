/**
 * Users, groups and roles of a cluster: one state at all nodes. A command is answered when every node that lives acts on what
 * it changed; a node that comes has the newest state before it serves anybody. The files are copies.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { LogType, type Log } from '../base/log.ts'
import type { DynamicSecurity, DynamicWorld } from '../auth/dynamic/dynamic-security.ts'
import { linesBetween, NO_STATE, StateReader } from '../auth/dynamic/state-lines.ts'
import type { Broker } from '../broker/broker.ts'
import { AllAct } from '../cluster/all-act.ts'
import type { ClusterNode } from '../cluster/cluster-node.ts'
import { inTurns, linesOf } from '../cluster/lines.ts'
import { SharedLog, type LogNews } from '../cluster/shared-log.ts'
import { tokenFor } from '../cluster/tokens.ts'
import { createCopy, type UsersCopy } from './users-copy.ts'

const KEY = 'users'
const RETRY_MS = 500

export interface SharedUsers {
  /** As `DynamicWorld.share`. */
  readonly share: NonNullable<DynamicWorld['share']>
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
  let users: UsersOfAll
  node.beforeServing = async () => {
    const dynamic = dynamicOf()
    users = new UsersOfAll(node, dynamic, broker, createCopy(dynamic, log))
    log.write(LogType.notice, originOf(dynamic.file, await users.start()))
  }
  return {
    async share(...change) {
      if (!node.isJoined) throw new Error('the cluster is not there yet')
      return await users.share(...change)
    },
    everywhere: () => users.tell(null),
    async kick(usernames) {
      if (usernames.length > 0) await users.tell(usernames)
    },
  }
}

class UsersOfAll {
  private readonly node: ClusterNode
  private readonly dynamic: DynamicSecurity
  private readonly broker: Broker
  private readonly copy: UsersCopy
  private readonly log: SharedLog
  private readonly all: AllAct
  private last: Promise<unknown> = Promise.resolve()

  constructor(node: ClusterNode, dynamic: DynamicSecurity, broker: Broker, copy: UsersCopy) {
    const { wire, options, membership, records } = node
    this.node = node
    this.dynamic = dynamic
    this.broker = broker
    this.copy = copy
    this.log = new SharedLog(wire, options, membership, records, KEY)
    this.all = new AllAct(wire, options, membership, tokenFor(KEY))
  }

  /** Resolves when the newest state is in force; to whether it is the one of the file. */
  async start(): Promise<boolean> {
    const { node, dynamic, log, all } = this
    dynamic.isShared = true
    const isSeed = await seed(log, node, dynamic)
    node.onRecords = () => void this.follow().catch((error: unknown) => node.broken(error))
    all.answerWith((sequence, more) => this.act(sequence, more))
    await this.follow()
    // What is left of an earlier run of this node, most of all.
    log.sweep().catch(() => {})
    return isSeed
  }

  /** One after the other: what is heard must not go under what is written. */
  private inTurn<T>(run: () => Promise<T>): Promise<T> {
    const done = this.last.then(run)
    this.last = done.catch(() => {})
    return done
  }

  /** Resolves when the newest state that this node has heard of is in force. */
  private follow(): Promise<void> {
    return this.inTurn(async () => {
      while (this.log.at < this.log.heard) {
        const news = await this.log.read()
        if (news.isAnew || news.lines.length > 0) await this.putInForce(news)
      }
    })
  }

  private async putInForce({ isAnew, lines }: LogNews): Promise<void> {
    const { dynamic } = this
    const reader = new StateReader(isAnew ? NO_STATE : dynamic.state, dynamic.file)
    await inTurns(linesOf(lines), (line) => reader.take(line))
    dynamic.replace(reader.result)
    this.copy.due()
    this.broker.recheckLogins()
  }

  /** Another node has a change answered when this one acts on it. */
  private async act(wanted: number, more: unknown): Promise<void> {
    if (this.log.heard < wanted) await this.node.records.refresh()
    await this.follow()
    if (this.log.at < wanted) throw new Error('not heard yet')
    for (const username of (more ?? []) as (string | null)[]) this.broker.kickUser(username)
  }

  tell(more: unknown): Promise<void> {
    return this.all.tell(this.log.at, more, ({ sharesUsers }) => sharesUsers === true)
  }

  readonly share: SharedUsers['share'] = async (state, isStale, taken) => {
    const { log, dynamic, copy } = this
    const isMade = await this.inTurn(async () => {
      if (isStale() || !(await log.append(linesBetween(dynamic.state, state)))) return false
      taken()
      copy.due()
      // Without it the next one is long, too, and tries again.
      if (log.isLong) log.settle(linesBetween(NO_STATE, state)).catch(() => {})
      return true
    })
    // Another node may have been faster, or have come behind.
    await this.follow()
    return isMade
  }
}

/** Where there is no state yet that of the file is it; true: it has become so. */
async function seed(
  shared: SharedLog,
  { wire, records }: ClusterNode,
  { state }: DynamicSecurity,
): Promise<boolean> {
  while (shared.heard === 0 && !wire.isClosed) {
    if (await shared.append(linesBetween(NO_STATE, state)).catch(() => false)) return true
    await pause(RETRY_MS)
    await records.refresh()
  }
  return false
}

function originOf(file: string, isSeed: boolean): string {
  return isSeed
    ? `The cluster had no users, groups and roles: those of ${file} are everybody's from now on.`
    : `Users, groups and roles are those of the cluster: ${file} is a copy.`
}
