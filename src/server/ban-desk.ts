/** Bans, whoever asks for them: made and lifted, noted in log and audit log, and enforced in every thread. */
import { addressOf } from '../base/address.ts'
import { LogType, type Log } from '../base/log.ts'
import type { AuditAuthor } from '../auth/audit.ts'
import { readBans, timeText } from '../auth/bans/ban-file.ts'
import type { Ban, Banned } from '../auth/bans/ban-list.ts'
import { Bans, BY_RULE, type BanWish } from '../auth/bans/bans.ts'
import { createGate, targetText, untilText, type Gate } from '../auth/bans/gate.ts'
import { parseNetwork } from '../auth/bans/network.ts'
import { replaceFile } from '../auth/replace-file.ts'
import type { FlappingRule } from '../ports/limits.ts'
import type { Broker } from '../broker/broker.ts'
import type { Config } from '../config/config.ts'
import { nodeClock } from './node-ports.ts'
import type { Threads } from './threads.ts'
import type { UserAdmin } from './user-admin.ts'

export interface BanDesk {
  readonly bans: Bans
  /** Bans somebody, and ends their connections. @throws BanError */
  ban(wish: Omit<BanWish, 'by'>, author: AuditAuthor): Promise<Ban>
  /** null: there is no such ban. @throws BanError */
  lift(id: number, author: AuditAuthor): Promise<Ban | null>
  /** The rule found a client that comes too often. */
  flapped(who: Pick<Banned, 'clientId' | 'remote'>): void
  /** Puts what a person wrote into the file in force. */
  replace(found: ReturnType<Bans['reread']>): void
}

/** Where bans are kept, by the place of the store; null: nowhere. */
export function banFileOf({ global }: Config, storeLocation: string | null): string | null {
  return global.banFile ?? (storeLocation === null ? null : `${storeLocation}.bans`)
}

/** @throws AuthFileError for a file that is there and cannot be read. */
export function openBans(file: string | null): Bans {
  const found = file === null ? null : readBans(file)
  return new Bans({ file, save: replaceFile, wallMs: nodeClock.wallMs }, found)
}

/** The gate of this thread; `flapped` is asked for when it is needed. */
export function gateOf(
  list: Bans['list'],
  rule: () => FlappingRule | null,
  flapped: BanDesk['flapped'],
): Gate {
  return createGate({
    list,
    rule,
    nowMs: nodeClock.monotonicMs,
    wallMs: nodeClock.wallMs,
    // Whoever is on this machine by a socket has no address that could be told from others.
    flapped: (who) => {
      if (parseNetwork(addressOf(who.remote)) !== null) flapped(who)
    },
  })
}

/** The process around it, once there is one. */
interface Host {
  readonly broker: Broker
  readonly log: Log
  readonly users: Pick<UserAdmin, 'audit'>
  readonly threads: Threads | null
  /** The configuration that is in force. */
  readonly config: Config
}

/** What the rule bans in one moment goes to the other threads at once. */
const RULE_MS = 1000

export function createBanDesk(bans: Bans, host: () => Host): BanDesk {
  const tellThreads = (): void => host().threads?.tell({ kind: 'bans', bans: bans.inForce() })
  let isDue = false
  const tellThreadsSoon = (): void => {
    if (isDue || host().threads === null) return
    isDue = true
    setTimeout(() => {
      isDue = false
      tellThreads()
    }, RULE_MS).unref()
  }
  return {
    bans,
    async ban(wish, author) {
      const ban = await bans.ban({ ...wish, by: author.username ?? author.clientId })
      note(host(), ban, author, 'ban')
      host().broker.recheckLogins()
      tellThreads()
      return ban
    },
    async lift(id, author) {
      const ban = await bans.lift(id)
      if (ban === null) return null
      note(host(), ban, author, 'liftBan')
      tellThreads()
      return ban
    },
    flapped({ clientId, remote }) {
      const { broker, log, config } = host()
      const rule = config.global.flappingBan
      if (rule === null) return
      const { connectionsMax, windowMs, banMs } = rule
      const reason = `more than ${connectionsMax} connections within ${windowMs / 1000} s`
      const address = addressOf(remote)
      const made = bans.ban({
        clientId,
        username: null,
        address,
        forMs: banMs,
        reason,
        by: BY_RULE,
      })
      broker.recheckLogins(clientId)
      tellThreadsSoon()
      made.then(
        (ban) => note(host(), ban, byRule(remote), 'ban'),
        (error: unknown) =>
          log.write(LogType.error, `Error: ${BY_RULE}: ${(error as Error).message}`),
      )
    },
    replace(found) {
      if (found === null) return
      bans.replace(found)
      host().log.write(LogType.notice, `ban_file ${bans.file}: ${found.bans.length} bans.`)
      tellThreads()
    },
  }
}

function byRule(remote: string): AuditAuthor {
  return { username: null, clientId: BY_RULE, address: remote, via: 'rule' }
}

function note(
  { log, users }: Host,
  ban: Ban,
  author: AuditAuthor,
  action: 'ban' | 'liftBan',
): void {
  const { id, clientId: clientid, username, address, untilMs, reason } = ban
  const until = untilMs === null ? null : timeText(untilMs)
  users.audit?.note(author, { action, details: { id, clientid, username, address, until, reason } })
  const by = author.username ?? author.clientId
  const why = reason === '' ? '' : `: ${reason}`
  const what = action === 'ban' ? `Banned ${untilText(ban)}` : 'Not banned any more'
  log.write(LogType.notice, `${what}: ${targetText(ban)}, by ${by}${why} (ban ${id}).`)
}
