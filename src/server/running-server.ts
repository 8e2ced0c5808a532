/** A broker process that runs: what its rooms take their parts of. */
import type { Broker } from '../broker/broker.ts'
import type { Config } from '../config/config.ts'
import type { Limits } from '../ports/limits.ts'
import type { AddressBudget } from '../transports/address-budget.ts'
import type { ConnectionBudget } from '../transports/connection-budget.ts'
import type { ConnectionRate } from '../transports/connection-rate.ts'
import type { EntranceSettings } from '../transports/entrance.ts'
import type { BanDesk } from './ban-desk.ts'
import type { Bridges } from './bridges.ts'
import type { Cluster } from './cluster.ts'
import type { Launch } from './config-view.ts'
import type { Drain } from './drain.ts'
import type { Everyone } from './everyone.ts'
import type { RunningListener, PagesEntrance } from './listeners.ts'
import type { ServerLog } from './log-destinations.ts'
import type { Persistence } from './persistence.ts'
import type { ServerSecurity } from './security.ts'
import type { Threads } from './threads.ts'
import type { UserAdmin } from './user-admin.ts'

export interface Server {
  readonly broker: Broker
  readonly log: ServerLog
  readonly limits: Limits
  readonly security: ServerSecurity
  readonly everyone: Everyone
  /** Changes users, groups and roles. */
  readonly users: UserAdmin
  readonly banDesk: BanDesk
  /** null: this thread is the only one. */
  readonly threads: Threads | null
  readonly listeners: readonly RunningListener[]
  readonly connections: ConnectionBudget
  /** null: a broker of its own. */
  readonly cluster: Cluster | null
  /** null: a broker of its own has nowhere to send its clients. */
  drain: Drain | null
  /** null: state is in memory. */
  readonly persistence: Persistence | null
  readonly addresses: AddressBudget
  readonly rate: ConnectionRate
  /** The HTTP servers of listeners with `protocol http_api`, by name. */
  readonly pages: ReadonlyMap<string, PagesEntrance>
  /** Where the page is that nobody configured, in words for who started the broker; null: there is none. */
  pageNote: string | null
  /** Connections wait while it is `starting`, and go elsewhere while it is `draining`. */
  status: 'starting' | 'ok' | 'draining' | 'stopping'
  /**
   * What the listeners that run would be with `config`, by name; reads the files it names.
   *
   * @throws ConfigError when one of them cannot be used.
   */
  entrances(config: Config): ReadonlyMap<string, EntranceSettings>
  readonly bridges: Bridges
  /** What the command line said beside the file. */
  readonly launch: Launch
  /** The configuration that is in force; replaced by a reload. */
  config: Config
  /** Wills, 0x8B, links, listeners, store, pid file; in this order. */
  stop(): Promise<void>
}
