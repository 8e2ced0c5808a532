/** What Home Assistant's documentation says that the metadata of an add-on are. */

type Check = (value: unknown) => boolean

const text: Check = (value) => typeof value === 'string' && value !== ''
const flag: Check = (value) => typeof value === 'boolean'
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const oneOf =
  (...words: string[]): Check =>
  (value) =>
    words.includes(value as string)
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check)
const like =
  (pattern: RegExp): Check =>
  (value) =>
    typeof value === 'string' && pattern.test(value)
const dictOf =
  (key: RegExp, check: Check): Check =>
  (value) =>
    isObject(value) && Object.entries(value).every(([name, each]) => key.test(name) && check(each))

const REQUIRED = ['name', 'version', 'slug', 'description', 'arch'] as const
const PORT = /^\d{1,5}\/(?:tcp|udp)$/
const OPTION_TYPE =
  /^(?:str|bool|int|float|email|url|password|port|match|list|device)(?:\(.*\))?\??$/

const optionType: Check = (value) =>
  like(OPTION_TYPE)(value) ||
  listOf(optionType)(value) ||
  (isObject(value) && Object.values(value).every(optionType))

const KEYS: Readonly<Record<string, Check | undefined>> = {
  name: text,
  version: like(/^\d+\.\d+\.\d+$/),
  slug: like(/^[a-z0-9_-]+$/),
  description: text,
  arch: listOf(oneOf('armhf', 'armv7', 'aarch64', 'amd64', 'i386')),
  url: like(/^https:\/\//),
  startup: oneOf('initialize', 'system', 'services', 'application', 'once'),
  init: flag,
  auth_api: flag,
  discovery: listOf(text),
  services: listOf(like(/^\w+:(?:provide|want|need)$/)),
  map: listOf(like(/^(?:config|ssl|addons|backup|share|media)(?::rw)?$/)),
  ports: dictOf(PORT, (value) => value === null || Number.isInteger(value)),
  ports_description: dictOf(PORT, text),
  watchdog: like(/^(?:https?|tcp):\/\/\[HOST\]:(?:\d+|\[PORT:\d+\])(?:\/.*)?$/),
  ingress: flag,
  ingress_port: (value) => Number.isInteger(value),
  ingress_stream: flag,
  panel_icon: like(/^mdi:[a-z0-9-]+$/),
  panel_title: text,
  panel_admin: flag,
  backup: oneOf('hot', 'cold'),
  backup_pre: text,
  backup_post: text,
  backup_exclude: listOf(text),
  options: isObject,
  schema: (value) => isObject(value) && Object.values(value).every(optionType),
}

/** What is wrong with the metadata, a line each. */
export function addOnProblems(config: Record<string, unknown>): string[] {
  const missing = REQUIRED.filter((name) => config[name] === undefined)
  const wrong = Object.entries(config).filter(([name, value]) => !(KEYS[name]?.(value) ?? false))
  const { options = {}, schema = {} } = config as Record<string, Record<string, unknown>>
  const loose = Object.keys(options).filter((name) => schema[name] === undefined)
  const needed = Object.entries(schema).filter(
    ([name, type]) => options[name] === undefined && !JSON.stringify(type).includes('?"'),
  )
  return [
    ...missing.map((name) => `${name} is missing`),
    ...wrong.map(([name, value]) => `${name}: ${JSON.stringify(value)}`),
    ...loose.map((name) => `options: ${name} is not in the schema`),
    ...needed.map(([name]) => `schema: ${name} has no default`),
  ]
}
