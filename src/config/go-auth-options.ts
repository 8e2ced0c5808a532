/** The options of mosquitto-go-auth: those that count, and those of old that are read and no more. */
import { ValueError } from './config-error.ts'
import { nearestName } from '../base/nearest-name.ts'
import { bool, choice, int, path, text, type ValueType } from './value-types.ts'

const SECONDS = int(0, 365 * 86_400)
const TRIES_MAX = 10
const PORT = int(1, 65_535)
const URI = text('/path')
const PARAMS = choice('json', 'form')
const RESPONSE = choice('status', 'json', 'text')

/** What counts. */
const GO_AUTH_TYPES = {
  backends: text('files, http, jwt'),
  files_register: text(),
  http_register: text(),
  jwt_register: text(),
  disable_superuser: bool,
  exhaust_backend_first: bool,
  use_clientid_as_username: bool,
  retry_count: int(0, TRIES_MAX),
  check_prefix: bool,
  strip_prefix: bool,
  prefixes: text(),
  cache: bool,
  cache_type: text(),
  cache_refresh: bool,
  auth_cache_seconds: SECONDS,
  acl_cache_seconds: SECONDS,
  auth_jitter_seconds: SECONDS,
  acl_jitter_seconds: SECONDS,
  hasher_salt_encoding: choice('base64', 'utf-8'),
  files_hasher_salt_encoding: choice('base64', 'utf-8'),
  files_password_path: path,
  files_acl_path: path,
  http_host: text('host'),
  http_port: PORT,
  http_getuser_uri: URI,
  http_superuser_uri: URI,
  http_aclcheck_uri: URI,
  http_with_tls: bool,
  http_verify_peer: bool,
  http_params_mode: PARAMS,
  http_response_mode: RESPONSE,
  http_user_agent: text(),
  http_timeout: int(1, 60),
  http_method: choice('POST', 'GET', 'PUT'),
  jwt_host: text('host'),
  jwt_port: PORT,
  jwt_getuser_uri: URI,
  jwt_superuser_uri: URI,
  jwt_aclcheck_uri: URI,
  jwt_with_tls: bool,
  jwt_verify_peer: bool,
  jwt_params_mode: PARAMS,
  jwt_response_mode: RESPONSE,
  jwt_user_agent: text(),
  jwt_http_timeout: int(1, 60),
  jwt_http_method: choice('POST', 'GET', 'PUT'),
  jwt_mode: text('files | remote'),
  jwt_secret: text(),
  jwt_userfield: text(),
  jwt_parse_token: bool,
  jwt_skip_user_expiration: bool,
  jwt_skip_acl_expiration: bool,
  jwt_files_acl_path: path,
} satisfies Readonly<Record<string, ValueType<unknown>>>

/** Names of older releases. */
const ALIASES: Readonly<Record<string, keyof typeof GO_AUTH_TYPES>> = {
  password_path: 'files_password_path',
  acl_path: 'files_acl_path',
  jwt_acl_path: 'jwt_files_acl_path',
}

/** Read for the sake of old files: the log is the broker's, a hash says itself what made it, answers are kept in memory. */
const WITHOUT_EFFECT =
  /^(?:log_(?:level|dest|file)|(?:files_)?hasher(?:_(?:salt_size|iterations|keylen|algorithm|cost|memory|parallelism))?|cache_(?:reset|host|port|password|db|mode|addresses))$/

/** Options of backends that are not ours: of no account as long as `backends` does not name those. */
const OF_OTHERS =
  /^(?:pg|mysql|sqlite|redis|mongo|ldap|grpc|js|oauth2|plugin|jwt_(?:js|pg|mysql|db|userquery|superquery|aclquery))(?:_|$)/

type GoAuthTypes = typeof GO_AUTH_TYPES
export type GoAuthValues = {
  -readonly [Key in keyof GoAuthTypes]?: ReturnType<GoAuthTypes[Key]['read']>
}

/** @throws ValueError when `name` is none of go-auth's options. */
export function checkGoAuthOption(name: string): void {
  const isKnown = Object.hasOwn(GO_AUTH_TYPES, name) || Object.hasOwn(ALIASES, name)
  if (isKnown || WITHOUT_EFFECT.test(name) || OF_OTHERS.test(name)) return
  const nearest = nearestName(name, Object.keys(GO_AUTH_TYPES))
  const hint = nearest === null ? '' : `; did you mean "${nearest}"?`
  throw new ValueError(`mosquitto-go-auth has no option "${name}"${hint}`)
}

/** The values of the lines; what does not count is left out. @throws ValueError */
export function readGoAuthValues(lines: readonly (readonly [string, string])[]): GoAuthValues {
  const values: GoAuthValues = {}
  for (const [written, rest] of lines) {
    const name = ALIASES[written] ?? written
    if (!Object.hasOwn(GO_AUTH_TYPES, name)) continue
    const type: ValueType<unknown> = GO_AUTH_TYPES[name]
    Object.assign(values, { [name]: type.read(`auth_opt_${written}`, rest) })
  }
  return values
}
