/** A configuration that was read, completed and checked as a whole. */
import { ConfigError } from './config-error.ts'
import { goAuthOf, isBuiltinPlugin, pluginFile } from './builtin-plugins.ts'
import type { BridgeConfig, Config, GlobalValues, ListenerConfig, OptionPlaces } from './config.ts'
import { resolveValues, type SectionValues } from './option.ts'
import { BRIDGE_TABLE, GLOBAL_TABLE, LISTENER_TABLE } from './option-table.ts'
import { PER_LISTENER_KEYS, type PerListenerKey } from './options-global.ts'
import {
  MQTT_PORT,
  newListenerDraft,
  type ListenerDraft,
  type ParseState,
  type PluginDraft,
} from './parse-state.ts'
import { LOOPBACK_HOSTS, NOWHERE, warnOfWhole } from './warnings.ts'

/** Where mosquitto has its dashboard. */
const HTTP_PORT = 9883

/** Fills in defaults, settles what listens where, and checks what no single line can show. */
export function resolveConfig(state: ParseState): Config {
  const global = resolveValues(GLOBAL_TABLE, state.global)
  const common = { global, globalPlugins: state.globalPlugins }
  const localOnly = !state.listening
  const listeners = localOnly
    ? localListeners(common, state.defaultListener?.security ?? new Map())
    : state.listeners.map((draft) => resolveListener(draft, common, false))
  const bridges = resolveBridges(state)
  warnOfWhole(state, global, listeners, bridges, localOnly)
  checkDynamicSecurity(listeners)
  return {
    global: {
      ...global,
      dynamicSecurityPasswordFile: pluginFile(
        'dynamicSecurityPasswordFile',
        state.plugins,
        global.dynamicSecurityPasswordFile,
      ),
    },
    listeners,
    bridges,
    plugins: state.plugins.filter(({ path }) => !isBuiltinPlugin(path)),
    places: state.places,
    localOnly,
    warnings: state.warnings,
    refused: state.refused,
    loadedFiles: state.loadedFiles,
  }
}

const FROM_COMMAND_LINE: OptionPlaces = new Map([['port', { ...NOWHERE, from: 'commandLine' }]])

/**
 * The listeners of `-p`: loopback only, and only when the file has none.
 *
 * @returns A configuration that listens on `ports`, or `config` with a warning.
 */
export function applyCommandLinePorts(config: Config, ports: readonly number[]): Config {
  if (ports.length === 0) return config
  if (!config.localOnly) {
    const text = 'Ports of the command line are ignored: the configuration file has listeners.'
    return { ...config, warnings: [...config.warnings, { level: 'warning', text, ...NOWHERE }] }
  }
  const [settings] = config.listeners
  const others = config.listeners.filter(({ protocol }) => protocol === 'http_api')
  const listeners = [...new Set(ports)].flatMap((port) =>
    LOOPBACK_HOSTS.map((host) => ({ ...settings, port, host, places: FROM_COMMAND_LINE })),
  )
  return { ...config, listeners: [...listeners, ...others] }
}

/** MQTT on both loopback addresses, and the pages on one: a browser that is told `localhost` finds them. */
function localListeners(common: Common, security: SectionValues): ListenerConfig[] {
  const pages: SectionValues = new Map([['protocol', 'http_api']])
  const places = [
    ...LOOPBACK_HOSTS.map((host) => ({ host, port: MQTT_PORT, values: new Map() })),
    { host: LOOPBACK_HOSTS[0], port: HTTP_PORT, values: pages },
  ]
  return places.map(({ host, port, values }) => {
    const draft = { ...newListenerDraft(port, NOWHERE), host, values, security }
    return { ...resolveListener(draft, common, true), location: null }
  })
}

/** What holds for all listeners. */
interface Common {
  readonly global: GlobalValues
  readonly globalPlugins: readonly PluginDraft[]
}

function resolveListener(
  draft: ListenerDraft,
  { global, globalPlugins }: Common,
  localOnly: boolean,
): ListenerConfig {
  const values = resolveValues(LISTENER_TABLE, draft.values)
  const security = resolveValues(GLOBAL_TABLE, draft.security)
  const common = global.perListenerSettings ? security : global
  const { port, host, socketPath, places, location } = draft
  const plugins = [...globalPlugins, ...draft.plugins]
  checkListener(draft)
  const files = {
    passwordFile: pluginFile('passwordFile', plugins, common.passwordFile),
    aclFile: pluginFile('aclFile', plugins, common.aclFile),
    dynamicSecurityFile: pluginFile('dynamicSecurityFile', plugins, common.dynamicSecurityFile),
  }
  return {
    ...values,
    port,
    host,
    socketPath,
    places,
    location,
    ...securityOf(common),
    allowAnonymous: values.listenerAllowAnonymous ?? common.allowAnonymous ?? localOnly,
    autoIdPrefix: values.listenerAutoIdPrefix ?? common.autoIdPrefix,
    ...files,
    goAuth: goAuthOf(plugins, decidersOf({ ...global, ...files })),
  }
}

/** The options that say who may log in. */
function decidersOf(values: Pick<GlobalValues, Decider>): string[] {
  const deciders: readonly Decider[] = [
    'passwordFile',
    'dynamicSecurityFile',
    'authHttpUrl',
    'jwtKeyFile',
    'jwtKeysUrl',
  ]
  return deciders.filter((key) => values[key] !== null).map((key) => GLOBAL_TABLE[key].name)
}

type Decider = 'passwordFile' | 'dynamicSecurityFile' | 'authHttpUrl' | 'jwtKeyFile' | 'jwtKeysUrl'

/** Two files would be two brokers' users behind one `$CONTROL`. mosquitto refuses to load its plugin twice as well. */
function checkDynamicSecurity(listeners: readonly ListenerConfig[]): void {
  const files = new Set<string>()
  for (const { dynamicSecurityFile: file, location } of listeners) {
    if (file !== null) files.add(file)
    if (files.size > 1)
      throw new ConfigError(
        'There is another "dynamic_security_file" already: a broker has only one.',
        location ?? NOWHERE,
      )
  }
}

function securityOf(values: GlobalValues): Pick<GlobalValues, PerListenerKey> {
  const entries = PER_LISTENER_KEYS.map((key) => [key, values[key]])
  return Object.fromEntries(entries) as Pick<GlobalValues, PerListenerKey>
}

function checkListener({ values, location }: ListenerDraft): void {
  const fail = (message: string): never => {
    throw new ConfigError(message, location)
  }
  const certificate = values.has('certificateFile')
  if (certificate !== values.has('keyFile'))
    fail('This listener needs both "certfile" and "keyfile", or neither.')
  if (!certificate && (values.has('caFile') || values.has('caDirectory')))
    fail('This listener has "cafile" or "capath" but no "certfile" and "keyfile".')
  if (certificate && values.has('pskHint'))
    fail('This listener has both certificates and "psk_hint": only one of them is possible.')
  const authorities = values.has('caFile') || values.has('caDirectory')
  if (values.get('requireCertificate') === true && certificate && !authorities)
    fail('"require_certificate" needs a "cafile" or "capath": whose certificates are good?')
  if (values.has('httpProxyLogins') && values.get('protocol') !== 'http_api')
    fail('"http_proxy_login" needs "protocol http_api".')
  if (values.has('httpProxyLogins') && values.has('enableProxyProtocol'))
    fail('"http_proxy_login" excludes "enable_proxy_protocol": it goes by who connects.')
  const behindTlsProxy = values.get('enableProxyProtocol') === 2
  if (behindTlsProxy && (certificate || values.get('useSubjectAsUsername') === true))
    fail('"enable_proxy_protocol 2" excludes "certfile", "keyfile" and "use_subject_as_username".')
}

function resolveBridges(state: ParseState): BridgeConfig[] {
  const localIds = new Set<string>()
  return state.bridges.map(({ name, values, places, location }) => {
    const bridge = { ...resolveValues(BRIDGE_TABLE, values), name, places, location }
    const fail = (message: string): never => {
      throw new ConfigError(`Bridge "${name}" ${message}`, location)
    }
    if (bridge.addresses.length === 0) fail('has no "address".')
    if (bridge.topics.length === 0) fail('has no "topic".')
    if ((bridge.certificateFile === null) !== (bridge.keyFile === null))
      fail('needs both "bridge_certfile" and "bridge_keyfile", or neither.')
    if ((bridge.pskIdentity === null) !== (bridge.psk === null))
      fail('needs both "bridge_identity" and "bridge_psk", or neither.')
    const certificates = [bridge.caFile, bridge.caDirectory, bridge.certificateFile]
    if (bridge.psk !== null && certificates.some((path) => path !== null))
      fail('has both certificates and a pre-shared key: only one of them is possible.')
    if (bridge.localClientId !== null) {
      if (localIds.has(bridge.localClientId)) fail('has the "local_clientid" of another bridge.')
      localIds.add(bridge.localClientId)
    }
    return bridge
  })
}
