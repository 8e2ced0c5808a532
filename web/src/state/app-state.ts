/** What the page as a whole knows: connections, settings, which of them is open. */
import {
  emptyProfile,
  emptySubscription,
  type Profile,
  type Subscription,
} from '../model/profile.ts'
import { defaultSettings, type Settings } from '../model/settings.ts'
import { openSession, type SessionHandle } from './session-handle.ts'
import { createStore } from '../ui/store.ts'
import { chosenLanguage } from '../ui/text.ts'

export type Area = 'client' | 'broker'
export type Pane = 'topics' | 'messages' | 'detail' | 'publish'

export type DialogName =
  | { kind: 'connection'; id: string | null }
  | { kind: 'connections' }
  | { kind: 'retained'; filter: string }
  | { kind: 'transfer' }
  | { kind: 'csv' }
  | { kind: 'schemas' }
  | { kind: 'palette' }
  | { kind: 'help' }
  | { kind: 'session' }

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

export const PALETTE_SIZE = 12

export const app = createStore<AppState>({
  area: location.hash.startsWith('#broker') ? 'broker' : 'client',
  profiles: readProfiles(),
  settings: {
    ...defaultSettings(),
    ...(read(localStorage, SETTINGS_KEY) as Partial<Settings> | null),
  },
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
function write(storage: Storage, key: string, value: unknown): void {
  try {
    storage.setItem(key, JSON.stringify(value))
  } catch {
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

/** Passwords live as long as the tab, unless they are to be remembered. */
function saveProfiles(profiles: readonly Profile[]): void {
  const stored = profiles.map((profile) =>
    profile.rememberPassword ? profile : { ...profile, password: '' },
  )
  write(localStorage, PROFILES_KEY, stored)
  write(
    sessionStorage,
    PASSWORDS_KEY,
    Object.fromEntries(profiles.map(({ id, password }) => [id, password])),
  )
}

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
  const { profiles, settings } = app.get()
  const known = profiles.some(({ id }) => id === profile.id)
  const next = known
    ? profiles.map((other) => (other.id === profile.id ? profile : other))
    : [...profiles, profile]
  app.set({ profiles: next })
  saveProfiles(next)
  sessionOf(profile.id)?.configure(profile, settings.schemas, settings.keepMiB)
}

export function removeProfile(id: string): void {
  closeSession(id)
  const profiles = app.get().profiles.filter((profile) => profile.id !== id)
  app.set({ profiles })
  saveProfiles(profiles)
}

export function addProfiles(added: readonly Profile[]): void {
  const profiles = [...app.get().profiles, ...added]
  app.set({ profiles })
  saveProfiles(profiles)
}

export function putSettings(patch: Partial<Settings>): void {
  const settings = { ...app.get().settings, ...patch }
  app.set({ settings })
  write(localStorage, SETTINGS_KEY, settings)
  if (patch.schemas === undefined) return
  for (const session of app.get().sessions) {
    const profile = profileOf(session.id)
    if (profile !== undefined) session.configure(profile, settings.schemas, settings.keepMiB)
  }
}

/** Shows the connection's session, and connects it if it is not yet open. */
export function openProfile(profile: Profile): SessionHandle {
  const { settings, sessions } = app.get()
  const known = sessionOf(profile.id)
  if (known !== undefined) {
    app.set({ activeId: profile.id, area: 'client', dialog: null })
    return known
  }
  const session = openSession(profile.id)
  session.configure(profile, settings.schemas, settings.keepMiB)
  session.send({ kind: 'view', view: session.store.get().request })
  session.send({ kind: 'connect' })
  app.set({ sessions: [...sessions, session], activeId: profile.id, area: 'client', dialog: null })
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
}

export function putSubscription(profileId: string, subscription: Subscription): void {
  const profile = profileOf(profileId)
  if (profile === undefined) return
  const known = profile.subscriptions.some(({ id }) => id === subscription.id)
  const subscriptions = known
    ? profile.subscriptions.map((other) => (other.id === subscription.id ? subscription : other))
    : [...profile.subscriptions, subscription]
  putProfile({ ...profile, subscriptions })
}

export function removeSubscription(profileId: string, id: string): void {
  const profile = profileOf(profileId)
  if (profile === undefined) return
  const subscriptions = profile.subscriptions.filter((other) => other.id !== id)
  putProfile({ ...profile, subscriptions })
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
