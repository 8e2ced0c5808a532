/** Which listeners are open to whom? */
import type { Config, ListenerConfig } from '../../config/config.ts'
import { listenerName } from '../../config/reload.ts'
import type { Tell } from './finding.ts'

const LOOPBACK = /^(?:127\.|::1$|localhost$)/

export function examineListeners({ listeners, global }: Config, tell: Tell): void {
  for (const listener of listeners) {
    const values = { name: listenerName(listener), where: whereOf(listener) }
    if (listener.protocol === 'http_api') tell('good', 'listenerPage', values)
    else if (!listener.allowAnonymous)
      examineLogin(listener, global.authHttpUrl !== null, values, tell)
    else if (isLocal(listener)) tell('good', 'listenerLocal', values)
    else tell('bad', 'listenerOpen', values)
  }
}

function examineLogin(
  listener: ListenerConfig,
  hasHook: boolean,
  values: { name: string; where: string },
  tell: Tell,
): void {
  const { passwordFile, certificateFile, pskFile, pskHint } = listener
  const usesCertificates = listener.useIdentityAsUsername || listener.useSubjectAsUsername
  const ways = [
    ...(passwordFile === null ? [] : [`password_file ${passwordFile}`]),
    ...(usesCertificates ? ['TLS identity'] : []),
    ...(pskHint === null ? [] : [`psk_file ${pskFile}`]),
    ...(hasHook ? ['auth_http_url'] : []),
  ]
  if (ways.length === 0) return tell('bad', 'listenerClosed', values)
  const isSecret = certificateFile !== null || pskHint !== null || listener.enableProxyProtocol
  if (!isSecret && !isLocal(listener)) tell('note', 'listenerPlain', values)
  else tell('good', 'listenerGood', { ...values, how: ways.join(', ') })
}

function isLocal({ host, socketPath }: ListenerConfig): boolean {
  return socketPath !== null || (host !== null && LOOPBACK.test(host))
}

function whereOf({ host, socketPath, port }: ListenerConfig): string {
  if (socketPath !== null) return socketPath
  return `${host === null ? '*' : host.includes(':') ? `[${host}]` : host}:${port}`
}
