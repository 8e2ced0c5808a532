/** What the API asks of the process around it. */
import type { ClusterFacts, ClusterSession } from './schemas-cluster.ts'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { LogTypeBit } from '../base/log.ts'
import type { Broker } from '../broker/broker.ts'
import type { SampleSource } from '../telemetry/sampler.ts'
import type { OtherTraces } from './traces.ts'
import type { Views } from './views.ts'
import type { BridgeControl, BridgeStatus } from '../ports/bridge-status.ts'
import type { Auth, Identity, ListenerOptions, Observer } from '../ports/ports.ts'
import type { LoginKeeper } from './logins.ts'
import type { BanView } from './schemas-bans.ts'
import type { ConfigReply, ListenersDetail } from './schemas-broker.ts'
import type { AclReply, ClientEvent } from './schemas-clients.ts'
import type {
  AuditReply,
  CommandsReply,
  RightsQuery,
  RightsReply,
  UsersQuery,
  UsersReply,
  WithoutReply,
} from './schemas-users.ts'

/** What the tester of access rules is asked. A subscription is asked about as what it would bring. */
export interface AclQuestion {
  readonly clientId: string
  readonly username: string | null
  readonly access: 'read' | 'write' | 'subscribe'
  readonly topic: string
}

/** Who changes something, from where. */
type ChangeAuthor = Omit<AuditReply['entries'][number], 'number' | 'time' | 'action' | 'details'>

/** Users, groups and roles that change at run time, as they count at a listener. */
export interface UserAdministration {
  overview(listener: ListenerOptions, query: UsersQuery): UsersReply
  /** Carries out commands; resolves when what they change is on the disk and in force. */
  execute(
    listener: ListenerOptions,
    commands: readonly unknown[],
    author: ChangeAuthor,
  ): Promise<CommandsReply['responses']>
  rights(listener: ListenerOptions, question: RightsQuery): RightsReply['rights']
  without(listener: ListenerOptions, rolename: string): WithoutReply['changes']
  audit(): AuditReply['entries']
  /** Whether a role lets this user command all of it: then it may use the rest of the API as well. */
  mayAdminister(who: Identity): boolean
}

export interface BanAdministration {
  /** Those in force, in the order of their ids. */
  list(): BanView[]
  /** What keeps somebody out now; null: nothing. */
  find(who: BannedName): BanView | null
  /** Whether a ban would mean somebody. */
  fits(target: Pick<BanView, 'clientId' | 'username' | 'address'>, who: BannedName): boolean
  /** Resolves when it is in force and on the disk. @throws HttpError when it cannot be. */
  ban(
    wish: Pick<BanView, 'clientId' | 'username' | 'address' | 'reason'> & {
      readonly forMs: number | null
    },
    author: ChangeAuthor,
  ): Promise<BanView>
  /** null: there is none. */
  lift(id: number, author: ChangeAuthor): Promise<BanView | null>
}

type BannedName = Pick<Identity, 'clientId' | 'username' | 'remote'>

/** A line of the log. `number` ascends. */
export interface RecentLine {
  readonly number: number
  readonly timeMs: number
  readonly type: LogTypeBit
  readonly text: string
}

/** What is known of the cluster; of a broker of its own nothing. */
export interface ClusterSource {
  facts(): ClusterFacts
  sessions(): Iterable<ClusterSession>
  /** Has a node send its clients to the others; resolves when it has begun. @throws HttpError */
  drain(node: string, seconds: number): Promise<void>
}

/** A bridge, and the node that it runs at; null: a broker of its own. */
export interface PlacedBridge extends BridgeStatus {
  readonly node: string | null
}

/** As {@link BridgeControl}, of all nodes of a cluster. */
export interface BridgeDesk {
  /** `missing`: nodes that did not answer; absent: none. */
  list(): Promise<{ bridges: PlacedBridge[]; missing?: string[] }>
  pause(name: string): Promise<boolean>
  resume(name: string): Promise<boolean>
}

export interface AdminSource {
  readonly version: string
  readonly startedAtMs: number
  /** No listener is configured: loopback only, no logins. */
  readonly localOnly: boolean
  /** The core that the API is beside: what it publishes begins there. */
  readonly broker: Broker
  /** Sessions and figures of all cores. */
  readonly views: Views
  /** What happened to a client at other nodes of a cluster. */
  eventsElsewhere(clientId: string): Promise<ClientEvent[]>
  readonly figures: SampleSource
  /** Where else packets are traced; null: nowhere. */
  readonly otherTraces: OtherTraces | null
  readonly auth: Auth
  /** The core's observer, whose functions the API fills in. */
  readonly observer: Observer
  /** Those that run here. */
  readonly bridges: BridgeControl
  /** Those of all nodes. */
  readonly bridgeDesk: BridgeDesk
  readonly users: UserAdministration
  readonly bans: BanAdministration
  readonly cluster: ClusterSource
  /** Logins at the pages beyond the process; null: there is nowhere to keep them. */
  readonly loginKeeper: LoginKeeper | null
  status(): 'ok' | 'starting' | 'draining' | 'stopping'
  listeners(): ListenersDetail['listeners']
  /** PEM of the authority behind the certificate of the listener at `port`; null: there is none, or it is not known. */
  authorityAt(port: number): string | null
  /** The configuration in force. */
  config(): ConfigReply
  /** Users that may use the admin endpoints of a listener (`http_admin_user`). */
  adminUsers(listener: ListenerOptions): readonly string[]
  /** Whether the passwords of those who come by `listener` are checked: else nobody can log in. */
  checksPasswords(listener: ListenerOptions): boolean
  /** Whether messages at QoS 0 wait for a session whose client is away (`queue_qos0_messages`). */
  keepsQos0(): boolean
  /** What the rules say of a client of the listener at `port` (null: the first one for MQTT). */
  explain(question: AclQuestion, port: number | null): AclReply
  /** The same of a client at another node of a cluster. */
  explainAt(node: string, question: AclQuestion, port: number | null): Promise<AclReply>
  /** Something in the API went wrong that should not have. */
  logFault(error: Error): void
  /** Hands on log lines of the types in `mask` from now on; returns what ends that. */
  watchLog(mask: number, watch: (line: RecentLine) => void): () => void
  /** The last lines that were written anywhere, oldest first. */
  recentLog(): RecentLine[]
}

/** Who is at the other end of a connection: what the listener found out before HTTP began. */
export interface HttpPeer {
  /** `address:port` */
  readonly remote: string
}

/** Takes a connection that asks for WebSocket: Host, Origin and path have been checked. */
export type UpgradeHandler<P extends HttpPeer> = (
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  peer: P,
  /** Whom the proxy names; null: there is no such proxy. */
  user: string | null,
) => void

/** One listener with `protocol http_api`. Connections are given to it: it does not listen itself. */
export interface HttpServerOptions<P extends HttpPeer> {
  /** For the Auth port. */
  readonly listener: ListenerOptions
  /** With TLS. */
  readonly secure: boolean
  /** Directory of the pages (`http_dir`); null: there are none. */
  readonly directory: string | null
  /** Host names, besides addresses and localhost, that it is reached by (`http_host`). */
  readonly hosts: readonly string[]
  /** Other sites whose pages may open a WebSocket (`websockets_origin`). */
  readonly origins: readonly string[]
  /** Whether a proxy at this address has logged people in; null: they log in here. */
  readonly trustsProxy: ((address: string) => boolean) | null
  /** MQTT over WebSocket at {@link MQTT_PATH}; null: not there. */
  readonly onUpgrade: UpgradeHandler<P> | null
}

/** Where MQTT over WebSocket is on an HTTP listener. */
export const MQTT_PATH = '/mqtt'
