/** Listeners of the configuration as listeners of the right kind. */
import { closeSync, writeSync } from 'node:fs'
import { BlockList } from 'node:net'
import { LogType, type Log } from '../base/log.ts'
import { ConfigError, type ConfigLocation } from '../config/config-error.ts'
import type { Config, ListenerConfig } from '../config/config.ts'
import { listenerName } from '../config/reload.ts'
import type { EntranceSettings } from '../transports/entrance.ts'
import type { ProxyRules } from '../transports/proxy.ts'
import type { Where } from '../transports/places.ts'
import { createTlsEntrance, type TlsEntrance } from '../transports/tls.ts'
import { createWebEntrance, type WebEntrance } from '../transports/websocket.ts'
import type { Engine, ListenerClients } from './engine.ts'
import { openToAppend } from './own-files.ts'
import type { ServerSecurity } from './security.ts'
import { loadTls } from './tls-files.ts'

/** Bytes of the headers of an HTTP request. */
export const WEB_HEADER_BYTES_MAX = 16_384
const HEADER_BYTES_MIN = 1024

/** What runs for one listener of the configuration, and changes with it. */
export interface RunningListener extends ListenerClients {
  readonly name: string
}

interface Running {
  readonly log: Log
  readonly security: Pick<ServerSecurity, 'pskOf'>
  readonly listeners: readonly RunningListener[]
  /** The HTTP servers of listeners with `protocol http_api`, by name. */
  readonly pages: ReadonlyMap<string, WebEntrance>
}

/** The entrance of a listener with `protocol http_api`: what is behind it is loaded later than it is named. */
export interface PagesEntrance extends WebEntrance {
  /** null: nobody is let in yet. */
  behind: WebEntrance | null
}

/** One for each listener of the configuration that has pages, by its name. */
export function pagesOf({ listeners }: Config): Map<string, PagesEntrance> {
  const pages = new Map<string, PagesEntrance>()
  for (const listener of listeners) {
    if (listener.protocol !== 'http_api') continue
    const entrance: PagesEntrance = {
      behind: null,
      take(socket, peer, stays) {
        if (entrance.behind === null) socket.destroy()
        else entrance.behind.take(socket, peer, stays)
      },
    }
    pages.set(listenerName(listener), entrance)
  }
  return pages
}

export function whereOf(config: ListenerConfig): Where {
  const { host, port, socketPath, socketDomain: family, bindInterface } = config
  return { host, port, socketPath, family, networkInterface: bindInterface }
}

/**
 * What the listeners that run would be with `config`, by name.
 *
 * @throws ConfigError when a file that it names cannot be used.
 */
export function loadEntrances(
  engine: Engine,
  server: Running,
  config: Config,
  tlsKeyLogFile: string | null,
): Map<string, EntranceSettings> {
  const onKeyLog = tlsKeyLogFile === null ? null : keyLogger(tlsKeyLogFile, server.log)
  const entrances = new Map<string, EntranceSettings>()
  for (const listener of config.listeners) {
    const name = listenerName(listener)
    const running = server.listeners.find((candidate) => candidate.name === name)
    if (running === undefined) continue
    entrances.set(name, {
      proxy: proxyOf(listener),
      tls: tlsOf(engine, server, listener, onKeyLog),
      web: webOf(engine, server, running, listener, config),
      auto: listener.protocol === 'auto',
    })
  }
  return entrances
}

function proxyOf(listener: ListenerConfig): ProxyRules | null {
  const { enableProxyProtocol, proxyProtocolTrusted, certificateFile } = listener
  if (enableProxyProtocol === null) return null
  const place = listener.places.get('proxyProtocolTrusted')
  const trusted = blockList('proxy_protocol_trusted', proxyProtocolTrusted, place)
  return {
    version: enableProxyProtocol === 1 ? 1 : 2,
    requireTls: listener.proxyProtocolV2RequireTls,
    // With a certificate of its own the listener asks clients itself.
    requireCertificate: listener.requireCertificate && certificateFile === null,
    trusted: proxyProtocolTrusted.length === 0 ? null : trusted,
  }
}

/** The addresses of an option. @throws ConfigError where one is none. */
export function blockList(
  option: string,
  networks: ListenerConfig['proxyProtocolTrusted'],
  place: ConfigLocation = { file: '', line: 0 },
): BlockList {
  const list = new BlockList()
  for (const { address, prefix, family } of networks) {
    try {
      list.addSubnet(address, prefix, family)
    } catch {
      throw new ConfigError(`"${option}" has no address in "${address}".`, place)
    }
  }
  return list
}

function tlsOf(
  engine: Engine,
  { log, security }: Running,
  listener: ListenerConfig,
  onKeyLog: ((line: Uint8Array) => void) | null,
): TlsEntrance | null {
  const name = listenerName(listener)
  const loaded = loadTls(listener, (identity) => security.pskOf(name, identity))
  if (loaded === null) return null
  for (const text of loaded.warnings) log.write(LogType.warning, `Warning: ${text}`)
  const { handshakes, sessionKeys: keys } = engine
  const shared = keys === null ? null : { keys, of: name }
  return createTlsEntrance(loaded.settings, handshakes, log, onKeyLog, shared)
}

function webOf(
  engine: Engine,
  { pages }: Running,
  running: RunningListener,
  { protocol, websocketsOrigins, websocketsPath }: ListenerConfig,
  { global }: Config,
): WebEntrance | null {
  if (protocol === 'http_api') return pages.get(running.name) ?? null
  if (protocol !== 'websockets' && protocol !== 'auto') return null
  return createWebEntrance(
    {
      origins: websocketsOrigins,
      path: websocketsPath,
      headerBytesMax: Math.max(HEADER_BYTES_MIN, global.packetBufferBytes ?? WEB_HEADER_BYTES_MAX),
      onRequest: null,
    },
    { core: engine.broker, listener: running.options },
  )
}

/** Appends the lines of an NSS key log. Whoever reads them reads the traffic. */
function keyLogger(file: string, log: Log): (line: Uint8Array) => void {
  log.write(LogType.warning, `Warning: TLS session keys are written to ${file} (--tls-keylog).`)
  return (line) => {
    try {
      const descriptor = openToAppend(file)
      writeSync(descriptor, line)
      closeSync(descriptor)
    } catch (error) {
      log.write(LogType.error, `Error: --tls-keylog ${file}: ${(error as Error).message}.`)
    }
  }
}
