/**
 * Connections and settings out of the browser's storage, or a file: an older version wrote them, a newer one, or a hand. What
 * is not as it must be is as if it were not there.
 */
import { emptyDraft, FORMATS, INPUT_FORMATS, type Draft, type MessageFields } from './message.ts'
import {
  emptyProfile,
  emptySubscription,
  newId,
  type Profile,
  type Subscription,
} from './profile.ts'
import {
  defaultSettings,
  KEPT_MIB,
  MEMORY_MIB,
  type SavedMessage,
  type Schema,
  type Settings,
} from './settings.ts'

export type Loose = Record<string, unknown>

export function isLoose(value: unknown): value is Loose {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Members of the right type are taken over, other members are not. */
function conform<T extends object>(base: T, value: Loose): T {
  const result = { ...base } as Loose
  for (const [name, known] of Object.entries(base)) {
    const given = value[name]
    if (typeof given !== typeof known || given === null) continue
    if (Array.isArray(known) !== Array.isArray(given)) continue
    result[name] = isLoose(known) && isLoose(given) ? conform(known, given) : given
  }
  return result as T
}

function listOf<T>(value: unknown, read: (item: Loose, at: number) => T): T[] {
  return Array.isArray(value) ? value.filter(isLoose).map(read) : []
}

function oneOf<T>(values: readonly T[], value: T, otherwise: T): T {
  return values.includes(value) ? value : otherwise
}

function pairsOf(value: readonly unknown[]): [string, string][] {
  return value.filter(
    (pair): pair is [string, string] =>
      Array.isArray(pair) && pair.length === 2 && pair.every((text) => typeof text === 'string'),
  )
}

/** The fields that an MQTT 5.0 message and a will have in common. */
function withPairs<T extends Pick<MessageFields, 'userProperties'>>(fields: T): T {
  return { ...fields, userProperties: pairsOf(fields.userProperties) }
}

const QOS = [0, 1, 2] as const

/** @param at Its place in the list. What it has besides is a newer version's, and stays. */
function storedSubscription(item: Loose, at: number): Subscription {
  const said = conform({ ...emptySubscription('', at), id: `subscription-${at}` }, item)
  return {
    ...item,
    ...withPairs(said),
    qos: oneOf(QOS, said.qos, 0),
    retainHandling: oneOf(QOS, said.retainHandling, 0),
    format: oneOf(FORMATS, said.format, 'auto'),
  }
}

/** @param blank What it has where nothing is said. */
export function storedProfile(item: Loose, blank: Profile): Profile {
  const said = conform(blank, item)
  const { will } = said
  return {
    ...item,
    ...withPairs(said),
    scheme: oneOf(['ws', 'wss'], said.scheme, blank.scheme),
    version: oneOf([3, 4, 5], said.version, 5),
    will: {
      ...withPairs(will),
      qos: oneOf(QOS, will.qos, 0),
      format: oneOf(INPUT_FORMATS, will.format, 'text'),
    },
    subscriptions: listOf(said.subscriptions, storedSubscription),
  }
}

export function storedProfiles(
  value: unknown,
  here: Parameters<typeof emptyProfile>[0],
): Profile[] {
  return listOf(value, (item, at) =>
    storedProfile(item, { ...emptyProfile(here), id: `connection-${at}` }),
  )
}

function storedDraft(item: Loose): Draft {
  const said = conform(emptyDraft(), item)
  return {
    ...said,
    qos: oneOf(QOS, said.qos, 0),
    format: oneOf(INPUT_FORMATS, said.format, 'text'),
    fields: withPairs(said.fields),
  }
}

function storedMessage(item: Loose): SavedMessage {
  const said = conform({ id: newId(), name: '', folder: '' }, item)
  return { ...said, draft: storedDraft(isLoose(item.draft) ? item.draft : {}) }
}

function storedSchema(item: Loose): Schema {
  const blank: Schema = { id: newId(), name: '', kind: 'protobuf', source: '', messageType: '' }
  const said = conform(blank, item)
  return { ...said, kind: oneOf(['protobuf', 'avro'], said.kind, 'protobuf') }
}

function within([min, max]: readonly [number, number], value: number, otherwise: number): number {
  return value >= min && value <= max ? value : otherwise
}

export function storedSettings(value: unknown): Settings {
  const blank = defaultSettings()
  const item = isLoose(value) ? value : {}
  const said = conform(blank, item)
  return {
    ...item,
    ...said,
    theme: oneOf(['system', 'light', 'dark'], said.theme, blank.theme),
    language: item.language === 'en' || item.language === 'zh' ? item.language : null,
    times: oneOf(['clock', 'delta'], said.times, blank.times),
    keepMiB: within(MEMORY_MIB, said.keepMiB, blank.keepMiB),
    keptMiB: within(KEPT_MIB, said.keptMiB, blank.keptMiB),
    schemas: listOf(said.schemas, storedSchema),
    saved: listOf(said.saved, storedMessage),
    history: listOf(said.history, storedDraft),
  }
}
