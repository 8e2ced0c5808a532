/** mosquitto-go-auth's options, read from the lines of its plugin: its backends `files`, `http` and `jwt` are ours. */
import { ConfigError, type ConfigLocation } from './config-error.ts'
import { readGoAuthValues, type GoAuthValues } from './go-auth-options.ts'

const BACKENDS = ['files', 'http', 'jwt'] as const
const CHECKS = ['user', 'superuser', 'acl'] as const

type GoAuthBackend = (typeof BACKENDS)[number]
type GoAuthCheck = (typeof CHECKS)[number]

export function isGoAuth(plugin: string): boolean {
  return plugin === 'go-auth' || plugin === 'mosquitto-go-auth'
}

const SQL =
  'a small program that answers over HTTP what the database says (its backend "http", or "auth_http_url")'
const INSTEAD: Readonly<Record<string, string>> = {
  postgres: SQL,
  mysql: SQL,
  sqlite: SQL,
  mongo: SQL,
  redis: SQL,
  ldap: 'a small program that answers over HTTP what the directory says (its backend "http", or "auth_http_url")',
  grpc: 'the same service over HTTP (its backend "http", or "auth_http_url")',
  oauth2: 'tokens that the broker checks itself ("auth_jwt_jwks_url")',
  js: 'a program around the library, whose hooks are JavaScript (docs/library.md)',
  plugin: 'a program around the library (docs/library.md)',
}

/** What go-auth is to do at a listener. */
export type GoAuthConfig = ReturnType<typeof readGoAuth>

/** The plugin's lines. */
interface PluginLines {
  readonly options: readonly (readonly [string, string])[]
  readonly location: ConfigLocation
}

/** @throws ConfigError when something is missing, or is not ours to do. */
export function readGoAuth({ options, location }: PluginLines) {
  const fail = (message: string): never => {
    throw new ConfigError(message, location)
  }
  const values = valuesOf(options, fail)
  const backends = backendsOf(values, fail)
  const has = (name: GoAuthBackend): boolean => backends.some((backend) => backend.name === name)
  return {
    backends,
    settings: {
      cache: cacheOf(values),
      stripsPrefix: values.strip_prefix ?? false,
      exhaustsBackendFirst: values.exhaust_backend_first ?? false,
      usesClientIdAsUsername: values.use_clientid_as_username ?? false,
      retries: values.retry_count ?? 0,
    },
    files: has('files') ? filesOf(values) : null,
    http: has('http') ? httpOf(values, 'http', fail) : null,
    jwt: has('jwt') ? jwtOf(values, fail) : null,
  }
}

type Fail = (message: string) => never

function valuesOf(options: PluginLines['options'], fail: Fail): GoAuthValues {
  try {
    return readGoAuthValues(options)
  } catch (error) {
    return fail((error as Error).message)
  }
}

function wordsOf(list: string | undefined): string[] {
  return (list ?? '').split(',').flatMap((word) => (word.trim() === '' ? [] : [word.trim()]))
}

function backendsOf(values: GoAuthValues, fail: Fail) {
  const names = wordsOf(values.backends)
  if (names.length === 0) fail('mosquitto-go-auth needs "auth_opt_backends": files, http or jwt.')
  const prefixes = values.check_prefix === true ? wordsOf(values.prefixes) : []
  return names.map((name, index) => {
    const known = BACKENDS.find((backend) => backend === name)
    if (known === undefined) return failOther(name, fail)
    return {
      name: known,
      checks: checksOf(values, known, fail),
      prefix: prefixes.length === names.length ? prefixes[index] : null,
    }
  })
}

function failOther(name: string, fail: Fail): never {
  const instead = INSTEAD[name]
  if (instead === undefined) return fail(`mosquitto-go-auth has no backend "${name}".`)
  return fail(
    `go-auth's backend "${name}" is not part of Mozzie, only files, http and jwt. Instead: ${instead}.`,
  )
}

function checksOf(values: GoAuthValues, name: GoAuthBackend, fail: Fail): GoAuthCheck[] {
  const written = values[`${name}_register`]
  const words = written === undefined ? CHECKS : wordsOf(written)
  const checks = words.map(
    (word) =>
      CHECKS.find((check) => check === word) ??
      fail(`"auth_opt_${name}_register": "${word}" is none of user, superuser and acl.`),
  )
  return values.disable_superuser === true
    ? checks.filter((check) => check !== 'superuser')
    : checks
}

const CACHE_SECONDS = 30

function cacheOf(values: GoAuthValues) {
  if (values.cache !== true) return null
  const ms = (seconds: number | undefined, otherwise: number): number =>
    (seconds ?? otherwise) * 1000
  return {
    loginMs: ms(values.auth_cache_seconds, CACHE_SECONDS),
    aclMs: ms(values.acl_cache_seconds, CACHE_SECONDS),
    loginJitterMs: ms(values.auth_jitter_seconds, 0),
    aclJitterMs: ms(values.acl_jitter_seconds, 0),
    refreshes: values.cache_refresh ?? false,
  }
}

function filesOf(values: GoAuthValues) {
  return {
    passwordPath: values.files_password_path ?? null,
    aclPath: values.files_acl_path ?? null,
    saltEncoding: values.files_hasher_salt_encoding ?? values.hasher_salt_encoding ?? 'base64',
  } as const
}

const TIMEOUT_SECONDS = 5

function httpOf(values: GoAuthValues, prefix: 'http' | 'jwt', fail: Fail) {
  const needed = (name: 'host' | 'getuser_uri' | 'aclcheck_uri'): string => {
    const full = `${prefix}_${name}` as const
    return values[full] ?? fail(`go-auth's backend "${prefix}" needs "auth_opt_${full}".`)
  }
  const pathOf = (uri: string): string => (uri.startsWith('/') ? uri : `/${uri}`)
  const port =
    values[`${prefix}_port`] ??
    fail(`go-auth's backend "${prefix}" needs "auth_opt_${prefix}_port".`)
  const isTls = values[`${prefix}_with_tls`] ?? false
  const host = needed('host')
  const origin = `${isTls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`
  if (!URL.canParse(origin)) fail(`"auth_opt_${prefix}_host": "${host}" is no name of a host.`)
  const method = (prefix === 'http' ? values.http_method : values.jwt_http_method) ?? 'POST'
  const seconds = prefix === 'http' ? values.http_timeout : values.jwt_http_timeout
  const superuser = values[`${prefix}_superuser_uri`]
  const paramsMode = values[`${prefix}_params_mode`] ?? 'json'
  if (paramsMode === 'form' && method === 'GET')
    fail(`"auth_opt_${prefix}_params_mode form" needs the method POST or PUT.`)
  return {
    origin,
    isTls,
    verifiesPeer: values[`${prefix}_verify_peer`] ?? false,
    method,
    paramsMode,
    responseMode: values[`${prefix}_response_mode`] ?? 'status',
    timeoutMs: (seconds ?? TIMEOUT_SECONDS) * 1000,
    userAgent: values[`${prefix}_user_agent`] ?? 'mosquitto',
    userPath: pathOf(needed('getuser_uri')),
    superuserPath: superuser === undefined ? null : pathOf(superuser),
    aclPath: pathOf(needed('aclcheck_uri')),
  } as const
}

function jwtOf(values: GoAuthValues, fail: Fail) {
  const mode = values.jwt_mode
  if (mode === 'local' || mode === 'js')
    fail(
      `go-auth's "jwt_mode ${mode}" is not part of Mozzie, only files and remote. Instead: ` +
        `${mode === 'js' ? INSTEAD.js : 'users and rights in "jwt_mode files", or tokens with their rights in a claim ("auth_jwt_rights_claim")'}.`,
    )
  if (mode !== 'remote' && mode !== 'files')
    return fail(`go-auth's backend "jwt" needs "auth_opt_jwt_mode": files or remote.`)
  const parsesToken = values.jwt_parse_token ?? false
  const secret = values.jwt_secret ?? null
  if (secret === null && (mode === 'files' || parsesToken))
    fail(`go-auth's backend "jwt" needs "auth_opt_jwt_secret" to look into a token.`)
  if (mode === 'files' && values.jwt_files_acl_path === undefined)
    fail(`go-auth's backend "jwt" needs "auth_opt_jwt_files_acl_path" in the mode files.`)
  return {
    mode,
    secret,
    userClaim: values.jwt_userfield === 'Username' ? 'username' : 'sub',
    parsesToken,
    skipsUserExpiration: values.jwt_skip_user_expiration ?? false,
    skipsAclExpiration: values.jwt_skip_acl_expiration ?? false,
    http: mode === 'remote' ? httpOf(values, 'jwt', fail) : null,
    aclPath: values.jwt_files_acl_path ?? null,
  } as const
}

/** What the owner of such a configuration should know. */
export function goAuthWarnings({ http, jwt }: GoAuthConfig, { options }: PluginLines): string[] {
  const warnings: string[] = []
  for (const [name, place] of [
    ['http', http],
    ['jwt', jwt?.http ?? null],
  ] as const)
    if (place !== null && place.isTls && !place.verifiesPeer)
      warnings.push(
        `Anyone on the way can answer in place of ${place.origin}: set "auth_opt_${name}_verify_peer true".`,
      )
  if (options.some(([name, rest]) => name === 'cache_type' && rest.trim() === 'redis'))
    warnings.push(
      '"auth_opt_cache_type redis": answers are kept in the memory of the broker instead.',
    )
  const prefixes = options.some(([name]) => name === 'prefixes')
  const count = (list: string): number =>
    wordsOf(options.findLast(([name]) => name === list)?.[1]).length
  if (prefixes && count('prefixes') !== count('backends'))
    warnings.push('"auth_opt_prefixes" has no effect: there must be as many as backends.')
  return warnings
}
