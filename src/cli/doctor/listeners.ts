/** Which listeners are open to whom? */
import type { Config, ListenerConfig } from '../../config/config.ts'
import type { Tell } from './finding.ts'

const LOOPBACK = /^(?:127\.|::1$|localhost$)/

export function examineListeners({ listeners, global }: Config, tell: Tell): void {
  for (const listener of listeners) {
    const values = { where: whereOf(listener) }
    if (listener.protocol === 'http_api') tell('good', 'listenerPage', values)
    else if (!listener.allowAnonymous) examineLogin(listener, global, values, tell)
    else if (isLocal(listener)) tell('good', 'listenerLocal', values)
    else tell('bad', 'listenerOpen', values)
  }
}

function examineLogin(
  listener: ListenerConfig,
  global: Config['global'],
  values: { where: string },
  tell: Tell,
): void {
  const { certificateFile, pskHint } = listener
  const ways = waysOf(listener, global)
  if (ways.length === 0) return tell('bad', 'listenerClosed', values)
  const isSecret = certificateFile !== null || pskHint !== null || listener.enableProxyProtocol
  if (!isSecret && !isLocal(listener)) tell('note', 'listenerPlain', values)
  else tell('good', 'listenerGood', { ...values, how: ways.join(', ') })
}

/** How somebody may log in. */
function waysOf(listener: ListenerConfig, global: Config['global']): string[] {
  const { passwordFile, dynamicSecurityFile, goAuth, pskFile, pskHint } = listener
  const { authHttpUrl, jwtKeyFile, jwtKeysUrl } = global
  const usesCertificates = listener.useIdentityAsUsername || listener.useSubjectAsUsername
  const backends = goAuth?.backends.map(({ name }) => name).join(', ')
  const ways: (string | false)[] = [
    passwordFile !== null && `password_file ${passwordFile}`,
    dynamicSecurityFile !== null && `dynamic_security_file ${dynamicSecurityFile}`,
    backends !== undefined && `mosquitto-go-auth (${backends})`,
    jwtKeyFile !== null && `auth_jwt_key_file ${jwtKeyFile}`,
    jwtKeysUrl !== null && `auth_jwt_jwks_url ${jwtKeysUrl}`,
    usesCertificates && 'TLS identity',
    pskHint !== null && `psk_file ${pskFile}`,
    authHttpUrl !== null && 'auth_http_url',
  ]
  return ways.filter((way) => way !== false)
}

function isLocal({ host, socketPath }: ListenerConfig): boolean {
  return socketPath !== null || (host !== null && LOOPBACK.test(host))
}

function whereOf({ host, socketPath, port }: ListenerConfig): string {
  if (socketPath !== null) return socketPath
  return `${host === null ? '*' : host.includes(':') ? `[${host}]` : host}:${port}`
}
