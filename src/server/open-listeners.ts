/** Opens the listeners of a configuration: what clients come in by, then pages. */
import { LogType } from '../base/log.ts'
import type { Observer } from '../ports/ports.ts'
import type { ListenerConfig } from '../config/config.ts'
import { listenerName } from '../config/reload.ts'
import type { EntranceSettings } from '../transports/entrance.ts'
import type { Listener, ListenOptions } from '../transports/listener.ts'
import { ListenError } from '../transports/places.ts'
import type { Engine } from './engine.ts'
import type { HttpListeners } from './http.ts'
import { listenerOptionsOf } from './limits-of-config.ts'
import { whereOf, type RunningListener } from './listeners.ts'
import type { Server } from './running-server.ts'
import type { OwnListener, Threads } from './threads.ts'

export function newListener(config: ListenerConfig, threads: Threads | null): RunningListener {
  return {
    name: listenerName(config),
    options: listenerOptionsOf(config),
    budget: threads?.budgets.ofListener(config) ?? { max: config.maxConnections, open: 0 },
    entrance: { proxy: null, tls: null, web: null, auto: false },
  }
}

/** What runs for the listener of this name. */
export function runningListener({ listeners }: Server, name: string): RunningListener | undefined {
  return listeners.find((listener) => listener.name === name)
}

/** Opens the listeners for MQTT, then those for HTTP, whose code is loaded when there are some. */
export async function listen(
  engine: Engine,
  server: Server,
  observer: Observer,
): Promise<HttpListeners | null> {
  const { listeners, localOnly } = server.config
  const hasPages = listeners.some(({ protocol }) => protocol === 'http_api')
  const loading = hasPages ? import('./http.ts') : null
  const entrances = server.entrances(server.config)
  const shared: OwnListener[] = []
  for (const config of listeners) {
    if (config.protocol === 'http_api') continue
    const sockets = await listenOne(engine, server, config, entrances, {
      where: whereOf(config),
      optional: localOnly && config.host === '::1',
      isShared: server.threads !== null,
    })
    const port = runningListener(server, listenerName(config))?.options.port ?? 0
    shared.push({ name: listenerName(config), port, sockets })
  }
  await server.threads?.start(shared)
  if (loading === null) return null
  const { createHttpListeners } = await loading
  const http = await createHttpListeners(server, observer)
  for (const config of listeners) {
    if (config.protocol !== 'http_api') continue
    if (localOnly) await listenForPage(engine, server, config, entrances)
    else
      await listenOne(engine, server, config, entrances, {
        where: whereOf(config),
        optional: false,
      })
  }
  return http
}

async function listenOne(
  engine: Engine,
  server: Server,
  config: ListenerConfig,
  entrances: ReadonlyMap<string, EntranceSettings>,
  place: ListenOptions,
): Promise<Listener['sockets']> {
  const running = runningListener(server, listenerName(config))
  if (running === undefined) return []
  Object.assign(running.entrance, entrances.get(running.name))
  return (await engine.listen(place, running)).sockets
}

/** So many brokers without a configuration have a page each on one machine. */
const PAGE_PORTS = 10

/** The page of a broker without a configuration: nobody asked for its port, so the next free one does as well. */
async function listenForPage(
  engine: Engine,
  server: Server,
  config: ListenerConfig,
  entrances: ReadonlyMap<string, EntranceSettings>,
): Promise<void> {
  const { log } = server
  for (let port = config.port; port < config.port + PAGE_PORTS; port++) {
    try {
      const where = { ...whereOf(config), port }
      await listenOne(engine, server, config, entrances, { where, optional: false })
      const taken = port === config.port ? '' : `: port ${config.port} is in use`
      server.pageNote = `The page is at http://${config.host}:${port}${taken}.`
      return
    } catch (error) {
      if (!(error instanceof ListenError)) throw error
    }
  }
  log.write(
    LogType.warning,
    `Warning: there is no page: port ${config.port} and the next are in use.`,
  )
}
