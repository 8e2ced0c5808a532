/** What the page as a whole knows: connections, settings, which of them is open. */
import { emptySubscription, newId, type Profile, type Subscription } from '../model/profile.ts'
import type { Settings } from '../model/settings.ts'
import { isLoose, storedProfiles, storedSettings } from '../model/stored.ts'
import { merge } from '../model/merge.ts'
import { forgetKept } from '../capture/kept.ts'
import type { KeptAt } from '../protocol/protocol.ts'
import { SharedValue } from './shared-value.ts'
import { read, store } from './storage.ts'
import { openSession, type SessionHandle } from './session-handle.ts'
import { moved } from '../ui/drag-order.ts'
import { createStore } from '../ui/store.ts'
import { chosenLanguage, textNow } from '../ui/text.ts'

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

const PROFILES_KEY = 'mozzie.tabs.connections'
const SETTINGS_KEY = 'mozzie.tabs.settings'
const PASSWORDS_KEY = 'mozzie.passwords'
const TAB_KEY = 'mozzie.tab'
const OPEN_KEY = 'mozzie.open'

export const PALETTE_SIZE = 12

/** null: forbidden, as where cookies are blocked. The page works without it. */
function storageNamed(name: 'localStorage' | 'sessionStorage'): Storage | null {
  try {
    return window[name]
  } catch {
    return null
  }
}
const local = storageNamed('localStorage')
const ofThisTab = storageNamed('sessionStorage')

const shared = { storage: local, nowMs: () => performance.now() }
const sharedProfiles = new SharedValue<readonly Profile[]>({
  ...shared,
  key: PROFILES_KEY,
  oldKey: 'mozzie.connections',
  empty: [],
  onFailure: () => notStored(PROFILES_KEY),
})
const sharedSettings = new SharedValue<Partial<Settings>>({
  ...shared,
  key: SETTINGS_KEY,
  oldKey: 'mozzie.settings',
  empty: {},
  onFailure: () => notStored(SETTINGS_KEY),
})

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

function write(storage: Storage | null, key: string, value: unknown): void {
  if (!store(storage, key, value)) notStored(key)
}

const notStored = (key: string): void => notify(textNow().notStored(key), true)

function readProfiles(): Profile[] {
  return withPasswords(sharedProfiles.read())
}

/** Passwords live as long as the tab, unless they are to be remembered. */
function withPasswords(stored: unknown): Profile[] {
  const known = read(ofThisTab, PASSWORDS_KEY)
  const passwords = isLoose(known) ? known : {}
  return storedProfiles(stored, hereAddress()).map((profile) => {
    if (profile.rememberPassword) return profile
    const password = passwords[profile.id]
    return { ...profile, password: typeof password === 'string' ? password : '' }
  })
}

function withoutPasswords(profiles: readonly Profile[]): Profile[] {
  const passwords = Object.fromEntries(profiles.map(({ id, password }) => [id, password]))
  write(ofThisTab, PASSWORDS_KEY, passwords)
  return profiles.map((profile) =>
    profile.rememberPassword ? profile : { ...profile, password: '' },
  )
}

function changeProfiles(change: (stored: readonly Profile[]) => readonly Profile[]): void {
  sharedProfiles.change((stored) => withoutPasswords(change(withPasswords(stored))))
  showProfiles(readProfiles())
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
  const known = read(ofThisTab, TAB_KEY)
  if (typeof known === 'string') return known
  const name = newId()
  write(ofThisTab, TAB_KEY, name)
  return name
}

export function configure(session: SessionHandle, profile: Profile): void {
  const { schemas, keepMiB } = app.get().settings
  session.configure(profile, schemas, keepMiB, keptAt(session))
}

function readSettings(): Settings {
  return storedSettings(sharedSettings.read())
}

/** What another tab has changed. */
addEventListener('storage', ({ key }) => {
  if (key === PROFILES_KEY) {
    sharedProfiles.seen()
    showProfiles(readProfiles())
  }
  if (key === SETTINGS_KEY) {
    sharedSettings.seen()
    showSettings(readSettings())
  }
})

/** A connection may have died while nobody looked: a laptop slept, a network changed. */
const look = (session: SessionHandle): void =>
  session.send({ kind: 'look', isSeen: document.visibilityState === 'visible' })
addEventListener('visibilitychange', () => app.get().sessions.forEach(look))

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

/** Changes one connection. One that another tab has removed meanwhile is there again, as this tab knows it. */
function changeProfile(id: string, change: (stored: Profile) => Profile): void {
  const known = profileOf(id)
  changeProfiles((stored) =>
    stored.some((profile) => profile.id === id) || known === undefined
      ? stored.map((profile) => (profile.id === id ? change(profile) : profile))
      : [...stored, change(known)],
  )
}

/** Saves what a form was filled with as far as that is another thing than before: the rest, and subscriptions, are not the form's. */
export function putConnection(profile: Profile, before = profileOf(profile.id)): void {
  if (before === undefined || profileOf(profile.id) === undefined) return addProfiles([profile])
  const mine = { ...profile, subscriptions: before.subscriptions }
  changeProfile(profile.id, (stored) => merge(before, mine, stored).value)
}

export function removeProfile(id: string): void {
  closeSession(id)
  forgetKept([id]).catch(() => {})
  changeProfiles((stored) => stored.filter((profile) => profile.id !== id))
}

export function addProfiles(added: readonly Profile[]): void {
  changeProfiles((stored) => [
    ...stored,
    ...added.filter(({ id }) => !stored.some((profile) => profile.id === id)),
  ])
}

/** @param patch Or what makes it of the settings as they are stored now: for lists that other tabs add to as well. */
export function putSettings(
  patch: Partial<Settings> | ((stored: Settings) => Partial<Settings>),
): void {
  sharedSettings.change((stored) => {
    const settings = storedSettings(stored)
    return { ...settings, ...(typeof patch === 'function' ? patch(settings) : patch) }
  })
  showSettings(readSettings())
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
  write(ofThisTab, OPEN_KEY, { ids, activeId })
  write(local, OPEN_KEY, { ids, activeId })
}

/** Opens what was open before, if the settings ask for it. */
export function reopenTabs(): void {
  if (!app.get().settings.reopenTabs) return
  const { area } = app.get()
  const open = read(ofThisTab, OPEN_KEY) ?? read(local, OPEN_KEY)
  if (!isLoose(open) || !Array.isArray(open.ids)) return
  for (const id of open.ids as unknown[]) {
    const profile = typeof id === 'string' ? profileOf(id) : undefined
    if (profile !== undefined) openProfile(profile)
  }
  const activeId = typeof open.activeId === 'string' ? open.activeId : null
  if (sessionOf(activeId) !== undefined) app.set({ activeId })
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
  look(session)
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
  changeProfile(profileId, (profile) => ({
    ...profile,
    subscriptions: change(profile.subscriptions),
  }))
}

export function changeSubscription(
  profileId: string,
  id: string,
  patch: Partial<Subscription>,
): void {
  changeSubscriptions(profileId, (stored) =>
    stored.map((other) => (other.id === id ? { ...other, ...patch } : other)),
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
  const added = { ...emptySubscription(filter, nextColour(profile.subscriptions)), ...patch }
  // Another tab may subscribe to the same at the same moment.
  changeSubscriptions(profileId, (stored) =>
    stored.some((other) => other.filter === filter) ? [...stored] : [...stored, added],
  )
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
