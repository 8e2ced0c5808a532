/** What the page as a whole knows: connections, settings, which of them is open. */
import {
  emptyProfile,
  emptySubscription,
  newId,
  type Profile,
  type Subscription,
} from '../model/profile.ts'
import { defaultSettings, type Settings } from '../model/settings.ts'
import { forgetKept } from '../capture/kept.ts'
import type { KeptAt } from '../protocol/protocol.ts'
import { openSession, type SessionHandle } from './session-handle.ts'
import { moved } from '../ui/drag-order.ts'
import { createStore } from '../ui/store.ts'
import { chosenLanguage } from '../ui/text.ts'

export type Area = 'client' | 'broker'
export type Pane = 'topics' | 'messages' | 'detail' | 'publish'

export type DialogName =
  /** `draft`: a new one is filled with it. */
  | { kind: 'connection'; id: string | null; draft?: Profile }
  | { kind: 'connections' }
  | { kind: 'retained'; filter: string }
  | { kind: 'transfer' }
  | { kind: 'csv' }
  | { kind: 'schemas' }
  | { kind: 'palette' }
  | { kind: 'help' }
  | { kind: 'session' }
  | { kind: 'settings' }

export interface AppState {
  readonly area: Area
  readonly profiles: readonly Profile[]
  readonly settings: Settings
  readonly sessions: readonly SessionHandle[]
  readonly activeId: string | null
  readonly dialog: DialogName | null
  /** On a phone one pane is seen at a time. */
  readonly pane: Pane
  /** What was just done, for people who look and for those who listen. */
  readonly notice: { readonly text: string; readonly isProblem: boolean } | null
}

const PROFILES_KEY = 'mozzie.connections'
const SETTINGS_KEY = 'mozzie.settings'
const PASSWORDS_KEY = 'mozzie.passwords'
const TAB_KEY = 'mozzie.tab'
const OPEN_KEY = 'mozzie.open'

export const PALETTE_SIZE = 12

export const app = createStore<AppState>({
  area: location.hash.startsWith('#broker') ? 'broker' : 'client',
  profiles: readProfiles(),
  settings: readSettings(),
  sessions: [],
  activeId: null,
  dialog: null,
  pane: 'messages',
  notice: null,
})

function followLanguage(): void {
  const { language } = app.get().settings
  if (chosenLanguage.get().language !== language) chosenLanguage.set({ language })
}
followLanguage()
app.subscribe(followLanguage)

function read(storage: Storage, key: string): unknown {
  try {
    return JSON.parse(storage.getItem(key) ?? 'null')
  } catch {
    return null
  }
}

/** Storage may be full or forbidden; the page works without it. */
let isStored = true
function write(storage: Storage, key: string, value: unknown): void {
  try {
    storage.setItem(key, JSON.stringify(value))
  } catch {
    isStored = false
    notify(`localStorage: ${key}`, true)
  }
}

function readProfiles(): Profile[] {
  const stored = (read(localStorage, PROFILES_KEY) as Partial<Profile>[] | null) ?? []
  const passwords = (read(sessionStorage, PASSWORDS_KEY) as Record<string, string> | null) ?? {}
  return stored.map((profile) => {
    const full = { ...emptyProfile(hereAddress()), ...profile }
    return { ...full, password: full.rememberPassword ? full.password : (passwords[full.id] ?? '') }
  })
}

/**
 * Changes the connections as they are stored now, not as they were when this tab read them: another tab may have changed
 * them meanwhile. Passwords live as long as the tab, unless they are to be remembered.
 */
function changeProfiles(change: (stored: readonly Profile[]) => readonly Profile[]): void {
  const profiles = change(isStored ? readProfiles() : app.get().profiles)
  const stored = profiles.map((profile) =>
    profile.rememberPassword ? profile : { ...profile, password: '' },
  )
  write(localStorage, PROFILES_KEY, stored)
  write(
    sessionStorage,
    PASSWORDS_KEY,
    Object.fromEntries(profiles.map(({ id, password }) => [id, password])),
  )
  showProfiles(profiles)
}

/** A connection that is open here stays, though another tab has removed it. */
function showProfiles(stored: readonly Profile[]): void {
  const { profiles, sessions } = app.get()
  const orphans = profiles.filter(
    ({ id }) =>
      sessions.some((session) => session.id === id) && !stored.some((other) => other.id === id),
  )
  app.set({ profiles: [...stored, ...orphans] })
  for (const session of sessions) {
    const before = profiles.find(({ id }) => id === session.id)
    const profile = profileOf(session.id)
    if (profile !== undefined && JSON.stringify(profile) !== JSON.stringify(before))
      configure(session, profile)
  }
}

/** Where this tab keeps the messages of a connection, if it is asked to. */
function keptAt({ id, file }: SessionHandle): KeptAt | null {
  const { keepMessages, keptMiB } = app.get().settings
  if (!keepMessages || file !== null) return null
  return { connection: id, tab: tabName(), run: newId(), bytesMax: keptMiB << 20 }
}

/** Of this tab, through reloads. */
function tabName(): string {
  const known = read(sessionStorage, TAB_KEY)
  if (typeof known === 'string') return known
  const name = newId()
  write(sessionStorage, TAB_KEY, name)
  return name
}

export function configure(session: SessionHandle, profile: Profile): void {
  const { schemas, keepMiB } = app.get().settings
  session.configure(profile, schemas, keepMiB, keptAt(session))
}

function readSettings(): Settings {
  return {
    ...defaultSettings(),
    ...(read(localStorage, SETTINGS_KEY) as Partial<Settings> | null),
  }
}

/** What another tab has changed. */
addEventListener('storage', ({ key }) => {
  if (key === PROFILES_KEY) showProfiles(readProfiles())
  if (key === SETTINGS_KEY) showSettings(readSettings())
})

/** Where the page came from: the broker itself, at `mqtt` beside the page, under whatever path that is. */
export function hereAddress(): Pick<Profile, 'scheme' | 'host' | 'port' | 'path'> {
  const secure = location.protocol === 'https:'
  return {
    scheme: secure ? 'wss' : 'ws',
    host: location.hostname.replace(/^\[|\]$/g, ''),
    port: Number(location.port) || (secure ? 443 : 80),
    path: new URL('mqtt', document.baseURI).pathname,
  }
}

export function profileOf(id: string | null): Profile | undefined {
  return app.get().profiles.find((profile) => profile.id === id)
}

export function sessionOf(id: string | null): SessionHandle | undefined {
  return app.get().sessions.find((session) => session.id === id)
}

/** Adds the connection, or replaces the one with its id; a session that uses it learns of the change. */
export function putProfile(profile: Profile): void {
  changeProfiles((stored) => {
    const known = stored.some(({ id }) => id === profile.id)
    return known
      ? stored.map((other) => (other.id === profile.id ? profile : other))
      : [...stored, profile]
  })
}

function storedProfile(id: string): Profile | undefined {
  return (
    (isStored ? readProfiles().find((profile) => profile.id === id) : undefined) ?? profileOf(id)
  )
}

/** Saves what a form was filled with; its subscriptions are not the form's. */
export function putConnection(profile: Profile): void {
  const { subscriptions } = storedProfile(profile.id) ?? profile
  putProfile({ ...profile, subscriptions })
}

export function removeProfile(id: string): void {
  closeSession(id)
  forgetKept([id]).catch(() => {})
  changeProfiles((stored) => stored.filter((profile) => profile.id !== id))
}

export function addProfiles(added: readonly Profile[]): void {
  changeProfiles((stored) => [...stored, ...added])
}

/** @param patch Or what makes it of the settings as they are stored now: for lists that other tabs add to as well. */
export function putSettings(
  patch: Partial<Settings> | ((stored: Settings) => Partial<Settings>),
): void {
  const stored = isStored ? readSettings() : app.get().settings
  const settings = { ...stored, ...(typeof patch === 'function' ? patch(stored) : patch) }
  write(localStorage, SETTINGS_KEY, settings)
  showSettings(settings)
}

function showSettings(settings: Settings): void {
  const before = app.get().settings
  app.set({ settings })
  if (JSON.stringify(settings.schemas) === JSON.stringify(before.schemas)) return
  for (const session of app.get().sessions) {
    const profile = profileOf(session.id)
    if (profile !== undefined) configure(session, profile)
  }
}

/** Which connections are open here, for the next time this tab is loaded. */
function noteOpen(): void {
  const ids = app
    .get()
    .sessions.filter(({ file }) => file === null)
    .map(({ id }) => id)
  const { activeId } = app.get()
  write(sessionStorage, OPEN_KEY, { ids, activeId })
  write(localStorage, OPEN_KEY, { ids, activeId })
}

/** Opens what was open before, if the settings ask for it. */
export function reopenTabs(): void {
  if (!app.get().settings.reopenTabs) return
  const { area } = app.get()
  const open = (read(sessionStorage, OPEN_KEY) ?? read(localStorage, OPEN_KEY)) as {
    ids: string[]
    activeId: string | null
  } | null
  for (const id of open?.ids ?? []) {
    const profile = profileOf(id)
    if (profile !== undefined) openProfile(profile)
  }
  if (sessionOf(open?.activeId ?? null) !== undefined) app.set({ activeId: open?.activeId ?? null })
  app.set({ area })
}

/** Shows the connection's session, and connects it if it is not yet open. */
export function openProfile(profile: Profile): SessionHandle {
  const { sessions } = app.get()
  const known = sessionOf(profile.id)
  if (known !== undefined) {
    app.set({ activeId: profile.id, area: 'client', dialog: null })
    return known
  }
  const session = openSession(profile.id)
  configure(session, profile)
  session.send({ kind: 'view', view: session.store.get().request })
  session.send({ kind: 'connect' })
  app.set({ sessions: [...sessions, session], activeId: profile.id, area: 'client', dialog: null })
  noteOpen()
  return session
}

export function closeSession(id: string): void {
  const session = sessionOf(id)
  if (session === undefined) return
  session.send({ kind: 'disconnect' })
  // The worker says DISCONNECT first: a will is for connections that were lost.
  setTimeout(() => session.dispose(), 300)
  const sessions = app.get().sessions.filter((other) => other.id !== id)
  const activeId = app.get().activeId === id ? (sessions.at(-1)?.id ?? null) : app.get().activeId
  app.set({ sessions, activeId })
  noteOpen()
}

/** Changes one connection's subscriptions as they are stored now. */
function changeSubscriptions(
  profileId: string,
  change: (stored: readonly Subscription[]) => Subscription[],
): void {
  const profile = storedProfile(profileId)
  if (profile !== undefined)
    putProfile({ ...profile, subscriptions: change(profile.subscriptions) })
}

export function putSubscription(profileId: string, subscription: Subscription): void {
  changeSubscriptions(profileId, (stored) =>
    stored.some(({ id }) => id === subscription.id)
      ? stored.map((other) => (other.id === subscription.id ? subscription : other))
      : [...stored, subscription],
  )
}

type Where = Parameters<typeof moved>[2]

export function moveSubscription(profileId: string, id: string, where: Where): void {
  changeSubscriptions(profileId, (stored) => moved(stored, id, where))
}

export function moveProfile(id: string, where: Where): void {
  changeProfiles((stored) => moved(stored, id, where))
}

export function removeSubscription(profileId: string, id: string): void {
  changeSubscriptions(profileId, (stored) => stored.filter((other) => other.id !== id))
}

/** A colour that the fewest subscriptions have. */
export function nextColour(subscriptions: readonly Subscription[]): number {
  const uses = Array.from(
    { length: PALETTE_SIZE },
    (_, colour) => subscriptions.filter((subscription) => subscription.colour === colour).length,
  )
  return uses.indexOf(Math.min(...uses))
}

export function subscribeTo(
  profileId: string,
  filter: string,
  patch: Partial<Subscription> = {},
): void {
  const profile = profileOf(profileId)
  if (profile === undefined || profile.subscriptions.some((other) => other.filter === filter))
    return
  putSubscription(profileId, {
    ...emptySubscription(filter, nextColour(profile.subscriptions)),
    ...patch,
  })
}

let noticeTimer: ReturnType<typeof setTimeout> | undefined

export function notify(text: string, isProblem = false): void {
  clearTimeout(noticeTimer)
  app.set({ notice: { text, isProblem } })
  noticeTimer = setTimeout(() => app.set({ notice: null }), isProblem ? 8000 : 2500)
}

export function setArea(area: Area): void {
  app.set({ area })
  const hash = area === 'broker' ? '#broker' : '#client'
  if (!location.hash.startsWith(hash)) history.replaceState(null, '', hash)
}
