/** `$CONTROL/…`: what the broker can be told by messages, and who answers. */
import { parseCommands } from '../auth/dynamic/commands.ts'
import { isObject, textOf } from '../auth/json-fields.ts'
import type { Broker } from '../broker/broker.ts'
import type { Config, ListenerConfig } from '../config/config.ts'
import type { Control, Identity } from '../ports/ports.ts'
import type { Everyone } from './everyone.ts'
import type { RunningListener } from './listeners.ts'
import type { ServerSecurity } from './security.ts'
import type { UserAdmin } from './user-admin.ts'
import { version } from './version.ts'

/** What can be commanded. */
interface Host {
  readonly broker: Broker
  readonly everyone: Everyone
  readonly security: ServerSecurity
  readonly users: UserAdmin
  readonly listeners: readonly RunningListener[]
  /** The configuration that is in force. */
  readonly config: Config
}

/** Handed to the core before there is a server to command. */
export interface ServerControl extends Control {
  serve(server: Host): void
}

type Endpoint = (server: Host, who: Identity, payload: Uint8Array, topic: string) => Promise<void>

const DYNAMIC_TOPIC = '$CONTROL/dynamic-security/v1'
const BROKER_TOPIC = '$CONTROL/broker/v1'

export function createControl(): ServerControl {
  let server: Host | null = null
  return {
    serve(started) {
      server = started
    },
    async command(who, topic, payload) {
      if (server === null) return
      const endpoint = endpointOf(server, who, topic)
      if (endpoint !== null) return endpoint(server, who, payload, topic)
      say(server, who, topic, { error: 'endpoint not available' })
    },
  }
}

/** null: nobody serves the topic for clients of this listener. */
function endpointOf({ config, security }: Host, who: Identity, topic: string): Endpoint | null {
  if (topic === DYNAMIC_TOPIC && security.dynamicAt(who.listener) !== null) return commandUsers
  return topic === BROKER_TOPIC && config.global.enableControlApi ? commandBroker : null
}

/** To the one who asked, where it listens for answers. */
function say({ everyone }: Host, { clientId }: Identity, topic: string, reply: object): void {
  everyone.tell(clientId, `${topic}/response`, encode(reply))
}

function encode(reply: object): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(reply))
}

/** To everybody who may read answers, as in mosquitto. */
function answer({ broker }: Host, topic: string, responses: readonly object[]): void {
  broker.publish(`${topic}/response`, encode({ responses }))
}

async function commandUsers(
  server: Host,
  who: Identity,
  payload: Uint8Array,
  topic: string,
): Promise<void> {
  const dynamic = server.security.dynamicAt(who.listener)
  const list = parseCommands(payload)
  if (!Array.isArray(list)) return answer(server, topic, [list])
  if (dynamic === null) return
  const { username, clientId, remote: address } = who
  const author = { username, clientId, address, via: 'mqtt' } as const
  await server.users.execute(dynamic, list, author, (responses) => answer(server, topic, responses))
}

/** By name in small letters. No plain object: it would have a "constructor". */
const brokerCommands = new Map<string, (server: Host) => object>([
  [
    'listplugins',
    ({ config, security }) => ({ plugins: pluginsOf(config, security.hasDynamic()) }),
  ],
  [
    'listlisteners',
    ({ config, listeners }) => ({
      listeners: config.listeners.map((listener, index) => shown(listener, listeners[index])),
    }),
  ],
])

async function commandBroker(
  server: Host,
  _who: Identity,
  payload: Uint8Array,
  topic: string,
): Promise<void> {
  const list = parseCommands(payload)
  if (!Array.isArray(list)) return answer(server, topic, [list])
  const responses = (list as unknown[]).map((item) => {
    if (!isObject(item)) return { command: 'Unknown command', error: 'Command not an object' }
    const command = textOf(item, 'command')
    if (command === null) return { command: 'Unknown command', error: 'Missing command' }
    const correlationData = textOf(item, 'correlationData')
    const more = correlationData === null ? {} : { correlationData }
    const run = brokerCommands.get(command.toLowerCase())
    if (run === undefined) return { command, error: 'Unknown command', ...more }
    return { command, data: run(server), ...more }
  })
  answer(server, topic, responses)
}

/** What stands for mosquitto's plugins here, under the names that they have there. */
function pluginsOf({ listeners }: Config, hasDynamic: boolean): object[] {
  const plugins: object[] = []
  if (hasDynamic)
    plugins.push({ name: 'dynamic-security', version, 'control-endpoints': [DYNAMIC_TOPIC] })
  if (listeners.some(({ passwordFile }) => passwordFile !== null))
    plugins.push({ name: 'password-file', version, 'control-endpoints': [] })
  if (listeners.some(({ aclFile }) => aclFile !== null))
    plugins.push({ name: 'acl-file', version, 'control-endpoints': [] })
  return plugins
}

function shown(config: ListenerConfig, running: RunningListener | undefined): object {
  const { protocol, host, socketPath, certificateFile, pskHint } = config
  return {
    port: running?.options.port ?? config.port,
    protocol:
      protocol === 'auto' ? 'mqtt' : protocol === 'websockets' ? 'mqtt+websockets' : protocol,
    ...(host === null ? {} : { 'bind-address': host }),
    ...(socketPath === null ? {} : { 'socket-path': socketPath }),
    tls: certificateFile !== null || pskHint !== null,
  }
}
