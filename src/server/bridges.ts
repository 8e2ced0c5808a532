/** All bridges of the process: made from the configuration, changed by a reload, looked at by operators. */
import { hostname } from 'node:os'
import { Bridge } from '../bridge/bridge.ts'
import type { Bounds, BridgeSettings } from '../bridge/settings.ts'
import type { Log } from '../base/log.ts'
import type { LocalBroker } from '../bridge/local-broker.ts'
import { nodeRuntime } from '../client/node.ts'
import { ConfigError } from '../config/config-error.ts'
import type { Config, GlobalValues } from '../config/config.ts'
import type { BridgeControl } from '../ports/bridge-status.ts'
import { isBridgeUser, type Observer } from '../ports/ports.ts'
import { bridgeSettingsOf, tlsOf } from './bridge-settings.ts'
import { limitsOfConfig } from './limits-of-config.ts'
import { nodeClock } from './node-ports.ts'

export interface Bridges extends BridgeControl {
  /** Makes their local sessions; before any client is let in. */
  prepare(done: () => void): void
  start(): void
  /** Takes over what {@link bridgesOf} made of a new configuration; calls `done` when its queues take messages. */
  apply(settings: NamedBridges, done: () => void): void
  /** Listens to what clients subscribe to: it wakes lazy bridges. */
  watch(observer: Observer): void
  close(): void
}

export interface NamedBridge {
  readonly settings: BridgeSettings
  /** The settings in one text, to see whether they changed; secrets among them, so not for the log. */
  readonly text: string
  readonly isImmediate: boolean
}

export type NamedBridges = ReadonlyMap<string, NamedBridge>

/** The bridges of a configuration, by name. @throws ConfigError */
export function bridgesOf({ bridges, global }: Config): NamedBridges {
  const defaults = {
    // At whichever node a bridge runs, its sessions are the same.
    host: global.clusterUrls === null ? hostname() : global.clusterName,
    inflightMax: global.maxInflightMessages,
    packetBytesMax: global.maxPacketBytes,
    bounds: boundsOf(global),
  }
  const localIds = new Set<string>()
  return new Map(
    bridges.map((config) => {
      const { location, ...rest } = config
      const settings = bridgeSettingsOf(config, defaults)
      if (localIds.has(settings.localClientId)) {
        const text = `Bridge "${config.name}" has the local client id "${settings.localClientId}" of another bridge.`
        throw new ConfigError(text, location)
      }
      localIds.add(settings.localClientId)
      const isImmediate = config.reloadType === 'immediate'
      // A new certificate in an old file is a change as well.
      const text = JSON.stringify([rest, defaults, tlsOf(config)])
      return [config.name, { settings, text, isImmediate }]
    }),
  )
}

function boundsOf(global: GlobalValues): Bounds {
  const { topicLevelsMax, userPropertiesMax, userPropertyBytesMax, retainAvailable } =
    limitsOfConfig(global)
  return { topicLevelsMax, userPropertiesMax, userPropertyBytesMax, retainAvailable }
}

/** What others have a say in. */
export interface BridgeRules {
  /** Whether the queue of a bridge that is taken out goes with it. */
  forgets(name: string): boolean
  /** Whether it begins paused. */
  isPaused(name: string): boolean
}

const OWN_RULES: BridgeRules = { forgets: () => true, isPaused: () => false }

export function createBridges(
  broker: LocalBroker,
  log: Log,
  first: NamedBridges,
  { forgets, isPaused }: BridgeRules = OWN_RULES,
): Bridges {
  const ports = { broker, log, runtime: nodeRuntime, wallMs: () => nodeClock.wallMs() }
  let named = first
  const bridges = new Map<string, Bridge>()
  const make = (name: string, settings: BridgeSettings): Bridge => {
    const bridge = new Bridge(settings, ports)
    bridges.set(name, bridge)
    if (isPaused(name)) bridge.pause()
    return bridge
  }
  for (const [name, { settings }] of first) make(name, settings)

  const prepareAll = (list: readonly Bridge[], done: () => void): void => {
    let left = list.length
    if (left === 0) return done()
    for (const bridge of list) bridge.prepare(() => --left === 0 && done())
  }
  const remove = (name: string): void => {
    bridges.get(name)?.close(forgets(name))
    bridges.delete(name)
  }

  return {
    prepare: (done) => prepareAll([...bridges.values()], done),
    start() {
      for (const bridge of bridges.values()) bridge.start()
    },
    apply(settings, done) {
      let left = 1
      const prepared = (): void => void (--left === 0 && done())
      for (const name of named.keys()) if (!settings.has(name)) remove(name)
      for (const [name, next] of settings) {
        const before = named.get(name)
        if (before?.text === next.text) continue
        const isSame = before?.settings.localClientId === next.settings.localClientId
        if (before !== undefined && !isSame) remove(name)
        const bridge = bridges.get(name)
        left++
        if (bridge === undefined) make(name, next.settings).restart(prepared)
        else bridge.change(next.settings, next.isImmediate, prepared)
      }
      named = settings
      prepared()
    },
    watch(observer) {
      const { subscribed } = observer
      observer.subscribed = (who, filter, ...granted) => {
        subscribed?.(who, filter, ...granted)
        if (bridges.size === 0 || isBridgeUser(who.username)) return
        for (const bridge of bridges.values()) bridge.subscribedHere(filter)
      }
    },
    list: () => [...bridges.values()].map((bridge) => bridge.status()),
    pause: (name) => turn(bridges.get(name), (bridge) => bridge.pause()),
    resume: (name) => turn(bridges.get(name), (bridge) => bridge.resume()),
    close() {
      for (const bridge of bridges.values()) bridge.close(false)
    },
  }

  function turn(bridge: Bridge | undefined, action: (bridge: Bridge) => void): boolean {
    if (bridge === undefined) return false
    action(bridge)
    return true
  }
}
