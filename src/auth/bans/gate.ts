/** What a client passes before anything is done for it: the bans, and the rule that makes some. */
import { addressOf } from '../../base/address.ts'
import { Reason } from '../../codec/reason-codes.ts'
import type { FlappingRule } from '../../ports/limits.ts'
import type { Identity, Refusal } from '../../ports/ports.ts'
import { createRecentCounts } from '../recent-counts.ts'
import type { Ban, Banned, BanList, BanTarget } from './ban-list.ts'
import { timeText } from './ban-file.ts'

export interface GateWorld {
  readonly list: BanList
  nowMs(): number
  wallMs(): number
  /** The rule that is in force; null: none. */
  rule(): FlappingRule | null
  /** The rule bans a client. */
  flapped(who: Pick<Identity, 'clientId' | 'remote'>): void
}

export interface Gate {
  /** Counts a connection; null: it may go on. */
  admit(who: Identity): Refusal | null
  /** null: not banned. */
  refusalOf(who: Banned): Refusal | null
}

export function createGate(world: GateWorld): Gate {
  const counts = createRecentCounts()
  const refusalOf = (who: Banned): Refusal | null => {
    const ban = world.list.find(who, world.wallMs())
    return ban === null ? null : { reason: Reason.banned, detail: `banned ${untilText(ban)}` }
  }
  return {
    refusalOf,
    admit(who) {
      const refusal = refusalOf(who)
      const rule = refusal === null ? world.rule() : null
      if (rule === null) return refusal
      const { clientId, remote } = who
      const key = `${addressOf(remote)} ${clientId}`
      if (counts.note(key, world.nowMs(), rule.windowMs) <= rule.connectionsMax) return null
      counts.forget(key)
      world.flapped(who)
      return refusalOf(who)
    },
  }
}

/** What a ban says to whom it concerns. */
export function untilText({ untilMs }: Pick<Ban, 'untilMs'>): string {
  return untilMs === null ? 'for good' : `until ${timeText(untilMs)}`
}

/** Whom a ban means, in words: `client "x", address 10.0.0.0/8`. */
export function targetText({ clientId, username, address }: BanTarget): string {
  const parts = [
    clientId === null ? null : `client ${JSON.stringify(clientId)}`,
    username === null ? null : `user ${JSON.stringify(username)}`,
    address === null ? null : `address ${address}`,
  ]
  return parts.filter((part) => part !== null).join(', ')
}
