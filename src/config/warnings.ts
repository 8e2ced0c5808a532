/** What of a whole configuration is rarely meant: warnings that no single line could give. */
import { warningsOfGoAuth } from './builtin-plugins.ts'
import type { BridgeConfig, GlobalValues, ListenerConfig } from './config.ts'
import { LISTENER_TABLE } from './option-table.ts'
import type { ParseState } from './parse-state.ts'

export const LOOPBACK_HOSTS = ['127.0.0.1', '::1']
/** The place of what no line says. */
export const NOWHERE = { file: '', line: 0 }

/** Adds them to `state.warnings`. */
export function warnOfWhole(
  state: ParseState,
  global: GlobalValues,
  listeners: readonly ListenerConfig[],
  bridges: readonly BridgeConfig[],
  localOnly: boolean,
): void {
  if (localOnly) warnOfDiscarded(state)
  else warnOfUnaskedListener(state)
  if (!localOnly) warnOfOpenListeners(state, listeners)
  warnOfClosedListeners(state, listeners, global)
  warnOfKeylessListeners(state, listeners)
  warnOfIdleHttpOptions(state, listeners)
  warnOfPagesWithoutRoles(state, listeners)
  warnOfOwnBridges(state, listeners, bridges)
  warnOfTwins(state, bridges)
  state.warnings.push(...warningsOfGoAuth(state.plugins))
}

function warnOfDiscarded(state: ParseState): void {
  const draft = state.defaultListener
  if (draft === null || draft.values.size === 0) return
  const text = 'Without a "listener" line the options of the default listener have no effect.'
  state.warnings.push({ level: 'warning', text, ...draft.location })
}

/** Options above the first listener open port 1883 as well: true to the file format, rarely meant. */
function warnOfUnaskedListener(state: ParseState): void {
  const draft = state.defaultListener
  if (draft === null || state.defaultListenerAsked) return
  const text =
    `Options before the first "listener" line also open the default listener: ` +
    `port ${draft.port} on every address. Put them below a "listener" line to avoid that.`
  state.warnings.push({ level: 'warning', text, ...draft.location })
}

/** A listener where every client is refused: nearly always a first configuration that is not finished. */
function warnOfClosedListeners(
  { warnings, refused, plugins }: ParseState,
  listeners: readonly ListenerConfig[],
  { authHttpUrl, jwtKeyFile, jwtKeysUrl }: GlobalValues,
): void {
  const isAsked = authHttpUrl !== null || jwtKeyFile !== null || jwtKeysUrl !== null
  if (isAsked || refused.length > 0 || plugins.length > 0) return
  const closed = listeners.filter((each) => !each.allowAnonymous && !hasLogins(each))
  for (const { port, socketPath, location } of closed) {
    const text =
      `Nobody can log in at ${socketPath ?? `port ${port}`}: there is no "password_file" and anonymous clients are not ` +
      'allowed. Make one with "mozzie passwd", or say "allow_anonymous true".'
    warnings.push({ level: 'warning', text, ...(location ?? NOWHERE) })
  }
}

function warnOfKeylessListeners(
  { warnings, plugins }: ParseState,
  listeners: readonly ListenerConfig[],
): void {
  if (plugins.length > 0) return
  for (const { port, socketPath, pskHint, pskFile, location } of listeners) {
    if (pskHint === null || pskFile !== null) continue
    const text =
      `Nobody can connect at ${socketPath ?? `port ${port}`}: it has "psk_hint", ` +
      'and there is no "psk_file" with the keys.'
    warnings.push({ level: 'warning', text, ...(location ?? NOWHERE) })
  }
}

function hasLogins(listener: ListenerConfig): boolean {
  if (listener.httpProxyLogins.length > 0) return true
  const { passwordFile, dynamicSecurityFile, goAuth, useIdentityAsUsername, useSubjectAsUsername } =
    listener
  if (dynamicSecurityFile !== null || goAuth !== null) return true
  return passwordFile !== null || useIdentityAsUsername || useSubjectAsUsername
}

/** Addresses, and interfaces of Linux and BSD, that no other machine reaches. */
const OWN_HOST = /^(127(\.\d+){1,3}|::1|localhost)$/
const OWN_INTERFACE = /^lo0?$/

function isOpen({ allowAnonymous, host, bindInterface, socketPath }: ListenerConfig): boolean {
  const isOwn = OWN_HOST.test(host ?? '') || OWN_INTERFACE.test(bindInterface ?? '')
  return allowAnonymous && socketPath === null && !isOwn
}

function warnOfOpenListeners(state: ParseState, listeners: readonly ListenerConfig[]): void {
  for (const { port, location } of listeners.filter(isOpen)) {
    const text = openListenerWarning(port)
    state.warnings.push({ level: 'warning', text, ...(location ?? NOWHERE) })
  }
}

export function openListenerWarning(port: number): string {
  return `Anyone who reaches port ${port} may use the broker: anonymous clients are allowed.`
}

const HTTP_OPTIONS = ['httpAdminUsers', 'httpHosts', 'httpDirectory'] as const

/** What says who manages the broker by HTTP, at a listener that serves no HTTP: the line below the wrong `listener`. */
function warnOfIdleHttpOptions(state: ParseState, listeners: readonly ListenerConfig[]): void {
  for (const { protocol, places } of listeners) {
    if (protocol === 'http_api') continue
    for (const key of HTTP_OPTIONS) {
      const place = places.get(key)
      if (place === undefined) continue
      const text =
        `"${LISTENER_TABLE[key].name}" has no effect at this listener, which serves no HTTP: ` +
        'put it below a "listener" with "protocol http_api".'
      state.warnings.push({ level: 'warning', text, file: place.file, line: place.line })
    }
  }
}

/** Roles are a listener's with `per_listener_settings`: its administrators are none at the page of another one. */
function warnOfPagesWithoutRoles(state: ParseState, listeners: readonly ListenerConfig[]): void {
  if (listeners.every(({ dynamicSecurityFile: file }) => file === null)) return
  for (const { protocol, dynamicSecurityFile: file, location } of listeners) {
    if (protocol !== 'http_api' || file !== null) continue
    const text =
      'This page does not know the users of "dynamic_security_file", nor their roles: the option is ' +
      "another listener's. Give it to this one, too."
    state.warnings.push({ level: 'warning', text, ...(location ?? NOWHERE) })
  }
}

/** A bridge that leads back to this broker and leaves names as they are: each message would go round for ever. */
function warnOfOwnBridges(
  state: ParseState,
  listeners: readonly ListenerConfig[],
  bridges: readonly BridgeConfig[],
): void {
  for (const { name, addresses, topics, location } of bridges) {
    const own = addresses.find(({ host, port }) =>
      listeners.some((each) => each.port === port && each.mountPoint === null && isAt(each, host)),
    )
    const line = topics.find(({ localPrefix, remotePrefix }) => localPrefix === remotePrefix)
    if (own === undefined || line === undefined) continue
    const text =
      `Bridge "${name}" leads to this broker itself (${own.host}:${own.port}): ` +
      `each message that topic "${line.localPrefix}${line.pattern}" lets cross would go round for ever.`
    state.warnings.push({ level: 'warning', text, ...location })
  }
}

const LOOPBACK_NAMES = new Set([...LOOPBACK_HOSTS, 'localhost'])

function isAt(listener: ListenerConfig, host: string): boolean {
  if (listener.socketPath !== null) return false
  if (listener.host === host) return true
  return LOOPBACK_NAMES.has(host) && (listener.host === null || LOOPBACK_NAMES.has(listener.host))
}

/** Two bridges that are one client to a broker: each connection of the one ends that of the other. */
function warnOfTwins(state: ParseState, bridges: readonly BridgeConfig[]): void {
  const known = new Map<string, string>()
  for (const { name, remoteClientId, addresses, location } of bridges) {
    if (remoteClientId === null) continue
    const places = addresses.map(({ host, port, url }) => url ?? `${host}:${port}`)
    const twin = places.map((place) => known.get(`${remoteClientId} ${place}`)).find(Boolean)
    if (twin !== undefined) {
      const text =
        `Bridges "${twin}" and "${name}" have one "remote_clientid" at one address: ` +
        'each will end the connection of the other.'
      state.warnings.push({ level: 'warning', text, ...location })
    }
    for (const place of places) known.set(`${remoteClientId} ${place}`, name)
  }
}
