/**
 * What devices announce to Home Assistant: retained messages at `homeassistant/COMPONENT/[NODE/]OBJECT/config`, JSON whose keys may
 * be abbreviated. A device may also announce all of its parts at once (`homeassistant/device/OBJECT/config`).
 */
import { topicNameProblem } from '../../../src/topics/names.ts'

export const DISCOVERY_FILTER = 'homeassistant/#'

/** Why Home Assistant makes nothing of it. */
export type Malformation = 'topic' | 'noJson' | 'noObject' | 'badTopic' | 'noUniqueId' | 'noParts'

export interface Announcement {
  readonly topic: string
  /** `sensor`, `light`, `device`; empty: the topic does not say. */
  readonly component: string
  readonly name: string
  /** Announcements of the same device have the same. */
  readonly device: string
  readonly deviceName: string
  readonly stateTopics: readonly string[]
  readonly availabilityTopics: readonly string[]
  readonly malformation: Malformation | null
  /** Client id; null: not known. */
  readonly publisher: string | null
}

/** What is known beside the announcements. */
export interface Surroundings {
  /** The last retained value of a topic; null: none; absent: nobody asked. */
  readonly values: ReadonlyMap<string, string | null>
  /** Client ids that are connected. */
  readonly connected: ReadonlySet<string>
}

export interface Device {
  readonly key: string
  readonly name: string
  readonly announcements: readonly Announcement[]
}

type Json = Readonly<Record<string, unknown>>

const PLACE = /^homeassistant\/(\w+)\/(?:[\w-]+\/)?([\w-]+)\/config$/
/** Home Assistant says its own status there, and the states of its entities where `mqtt_statestream` has this base topic. */
const ANNOUNCED = '/config'
const AVAILABILITY = new Set(['availability_topic', 'avty_t'])
const COMMAND = /(?:^|_)(?:command|cmd|set)(?:_|$)/
const TOPIC_KEY = /(?:^|_)(?:topic|t)$/

/** null: it is no announcement. */
export function readAnnouncement(
  topic: string,
  payload: string,
  publisher: string | null,
): Announcement | null {
  if (!topic.endsWith(ANNOUNCED)) return null
  const [, component = '', object = ''] = PLACE.exec(topic) ?? []
  const nameless = { topic, component, name: object, device: topic, deviceName: topic, publisher }
  const broken = (malformation: Malformation): Announcement => ({
    ...nameless,
    stateTopics: [],
    availabilityTopics: [],
    malformation,
  })
  if (object === '') return broken('topic')
  const config = parse(payload)
  if (config === undefined) return broken('noJson')
  if (!isObject(config)) return broken('noObject')
  const parts = partsOf(config)
  const topics = parts.flatMap((part) => topicsOf(part, baseOf(part) || baseOf(config)))
  const named = { ...nameless, ...deviceOf(config, topic), name: nameOf(config) || object }
  const announced = {
    ...named,
    stateTopics: distinct(topics.filter(({ isAvailability }) => !isAvailability)),
    availabilityTopics: distinct(topics.filter(({ isAvailability }) => isAvailability)),
  }
  return { ...announced, malformation: malformationOf(config, component, topics) }
}

interface Found {
  readonly topic: unknown
  readonly isAvailability: boolean
}

function malformationOf(
  config: Json,
  component: string,
  topics: readonly Found[],
): Malformation | null {
  const isBad = ({ topic }: Found): boolean =>
    typeof topic !== 'string' || topicNameProblem(topic) !== null
  if (topics.some(isBad)) return 'badTopic'
  if (component === 'device') return isWholeDevice(config) ? null : 'noParts'
  const hasDevice = isObject(config.device ?? config.dev)
  const unique = config.unique_id ?? config.uniq_id
  return hasDevice && !unique && component !== 'device_automation' && component !== 'tag'
    ? 'noUniqueId'
    : null
}

/** A device with all of its parts needs more than a single one: who announces it, and what each part is. */
function isWholeDevice(config: Json): boolean {
  const components = config.components ?? config.cmps
  return (
    isObject(config.device ?? config.dev) &&
    isObject(config.origin ?? config.o) &&
    isObject(components) &&
    Object.values(components).every(
      (part) => isObject(part) && typeof (part.platform ?? part.p) === 'string',
    )
  )
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The announcement itself, and what it holds of a device's parts. */
function partsOf(config: Json): Json[] {
  const components = config.components ?? config.cmps
  return [config, ...(isObject(components) ? Object.values(components).filter(isObject) : [])]
}

function baseOf(config: Json): string {
  return typeof config['~'] === 'string' ? config['~'] : ''
}

/** Where values are said; where commands go is nothing to look at. */
function topicsOf(part: Json, base: string): Found[] {
  const found = Object.entries(part).flatMap(([key, value]): Found[] => {
    if (!TOPIC_KEY.test(key) || COMMAND.test(key)) return []
    return [{ topic: withBase(value, base), isAvailability: AVAILABILITY.has(key) }]
  })
  const list = part.availability ?? part.avty
  const entries = Array.isArray(list) ? list.filter(isObject) : isObject(list) ? [list] : []
  const more = entries.map((entry) => ({
    topic: withBase(entry.topic ?? entry.t, base),
    isAvailability: true,
  }))
  return [...found, ...more]
}

/** `~` at either end stands for the announcement's `~`. */
function withBase(value: unknown, base: string): unknown {
  if (typeof value !== 'string' || base === '') return value
  if (value.startsWith('~')) return base + value.slice(1)
  return value.endsWith('~') ? value.slice(0, -1) + base : value
}

function distinct(found: readonly Found[]): string[] {
  const topics = found.map(({ topic }) => topic)
  return [...new Set(topics.filter((topic) => typeof topic === 'string'))]
}

function nameOf({ name, object_id: objectId }: Json): string {
  if (typeof name === 'string') return name
  return typeof objectId === 'string' ? objectId : ''
}

function deviceOf(config: Json, topic: string): { device: string; deviceName: string } {
  const device = config.device ?? config.dev
  if (!isObject(device)) return { device: topic, deviceName: nameOf(config) || topic }
  const ids = device.identifiers ?? device.ids ?? device.connections ?? device.cns
  const key = ids === undefined ? topic : JSON.stringify(Array.isArray(ids) ? ids : [ids])
  const name = typeof device.name === 'string' ? device.name : ''
  return { device: key, deviceName: name || key }
}

/** Nobody says anything at any of its topics, and whoever announced it is not here. */
export function isOrphaned(
  announcement: Announcement,
  { values, connected }: Surroundings,
): boolean {
  const { stateTopics, availabilityTopics, publisher, malformation } = announcement
  const topics = [...stateTopics, ...availabilityTopics]
  if (malformation !== null || topics.length === 0) return false
  const isHere = publisher !== null && connected.has(publisher)
  return !isHere && topics.every((topic) => values.get(topic) === null)
}

/** By name; those of one device together. */
export function byDevice(announcements: readonly Announcement[]): Device[] {
  const devices = new Map<string, Announcement[]>()
  for (const announcement of announcements) {
    const known = devices.get(announcement.device)
    if (known === undefined) devices.set(announcement.device, [announcement])
    else known.push(announcement)
  }
  return [...devices]
    .map(([key, list]) => ({ key, name: list[0].deviceName, announcements: list }))
    .sort((left, right) => left.name.localeCompare(right.name))
}
