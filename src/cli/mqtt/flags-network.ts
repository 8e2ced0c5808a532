/** Flags about the way to the broker: address, proxy, WebSocket, TLS. */
import { addTopic } from './flags-message.ts'
import { flagsOf, wholeNumber, type Operand } from './flag.ts'
import type { ProxySettings, Settings, TlsSettings } from './settings.ts'
import { parseBrokerUrl, splitHost } from './url.ts'

const network = flagsOf('network')
const tls = flagsOf('tls')

const SOCKS_PORT_DEFAULT = 1080

/** `%25`, `%3A` and `%40` stand for `%`, `:` and `@`. */
function unescape(text: string | undefined): string | null {
  if (text === undefined) return null
  return text.replace(/%(25|3A|40)/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
}

function parseProxy(url: string): ProxySettings | string {
  if (!/^socks5h:\/\//i.test(url)) return `Error: Unsupported proxy protocol: ${url}`
  const rest = url.slice('socks5h://'.length)
  const at = rest.lastIndexOf('@')
  const [host, portText] = splitHost(rest.slice(at + 1))
  if (host === '') return 'Error: Invalid proxy.'
  const port = portText === null ? SOCKS_PORT_DEFAULT : wholeNumber(portText, 1, 65_535)
  if (port === null) return `Error: Invalid proxy port ${portText ?? ''}`
  const user = at === -1 ? null : (/^([^:]*)(?::(.*))?$/s.exec(rest.slice(0, at)) ?? [])
  return { host, port, username: unescape(user?.[1]), password: unescape(user?.[2]) }
}

function setUrl(settings: Settings, { text }: Operand): string | null {
  const url = parseBrokerUrl(text)
  if (typeof url === 'string') return url
  const problem = addTopic(settings, { text: url.topic, bytes: Buffer.from(url.topic) }, '-L topic')
  if (problem !== null) return problem
  settings.host = url.host
  settings.port = url.port
  settings.webSocket ||= url.webSocket
  settings.tls.osCerts ||= url.tls
  if (url.username !== null) settings.username = url.username
  if (url.password !== null) settings.password = Buffer.from(url.password)
  return null
}

export const NETWORK_FLAGS = [
  network(
    '-h --host',
    ['HOST', 'no host specified'],
    'broker (localhost)',
    (settings, { text }) => {
      // A line of an options file may end in blanks.
      settings.host = text.trim()
    },
  ),
  network(
    '-p --port',
    ['PORT', 'no port specified'],
    'port (1883; 8883 with TLS)',
    (settings, { text }) => {
      const port = wholeNumber(text, 1, 65_535)
      if (port === null) return `Error: Invalid port given: ${text}`
      settings.port = port
      return null
    },
  ),
  network(
    '-L --url',
    ['URL', 'no URL specified'],
    'all in one: mqtt[s]|ws[s]://[USER[:PASSWORD]@]HOST[:PORT]/TOPIC (%40 is @, %25 is %)',
    setUrl,
  ),
  network(
    '--unix',
    ['PATH', 'no socket path specified'],
    'connect to a Unix socket',
    (settings, { text }) => {
      settings.unixPath = text
    },
  ),
  network('--ws', null, 'MQTT in a WebSocket, path /mqtt', (settings) => {
    settings.webSocket = true
  }),
  network(
    '-A',
    ['ADDRESS', 'no address specified'],
    'address of this machine to connect from',
    (settings, { text }) => {
      settings.bindAddress = text
    },
  ),
  network('-S', null, 'look the host up by its SRV record', (settings) => {
    settings.srv = true
  }),
  network(
    '--proxy',
    ['URL', 'no proxy url specified'],
    'go through socks5h://[USER[:PASSWORD]@]HOST[:PORT]',
    (settings, { text }) => {
      const proxy = parseProxy(text)
      if (typeof proxy === 'string') return proxy
      settings.proxy = proxy
      return null
    },
  ),
  network('--nodelay', null, 'send small packets at once; always so', () => {}),
]

type TextKey = {
  [Key in keyof TlsSettings]: TlsSettings[Key] extends string | null ? Key : never
}[keyof TlsSettings]

function tlsText(names: string, operand: string, missing: string, key: TextKey, help: string) {
  return tls(names, [operand, missing], help, ({ tls: settings }, { text }) => {
    settings[key] = text
  })
}

export const TLS_FLAGS = [
  tlsText(
    '--cafile',
    'FILE',
    'no file specified',
    'caFile',
    'trust the authorities in FILE (PEM), and use TLS',
  ),
  tlsText(
    '--capath',
    'DIRECTORY',
    'no directory specified',
    'caPath',
    'trust the authorities in the files of DIRECTORY',
  ),
  tls('--tls-use-os-certs', null, 'trust the authorities of this machine', (settings) => {
    settings.tls.osCerts = true
  }),
  tlsText('--cert', 'FILE', 'no file specified', 'certFile', 'certificate of this client (PEM)'),
  tlsText('--key', 'FILE', 'no file specified', 'keyFile', 'private key of this client (PEM)'),
  tlsText('--keyform', 'FORM', 'no keyform specified', 'keyForm', 'form of the key: pem'),
  tlsText('--ciphers', 'LIST', 'no ciphers specified', 'ciphers', 'ciphers, as OpenSSL lists them'),
  tlsText('--tls-version', 'VERSION', 'no version specified', 'version', 'tlsv1.2 or tlsv1.3'),
  tlsText('--tls-alpn', 'PROTOCOL', 'no protocol specified', 'alpn', 'protocol to ask for (ALPN)'),
  tls('--insecure', null, 'do not check who the broker is: for tests only', (settings) => {
    settings.tls.insecure = true
  }),
  tls('--no-tls', null, 'no TLS even on port 8883', (settings) => {
    settings.tls.disabled = true
  }),
  tlsText('--psk', 'HEX', 'no key specified', 'psk', 'TLS by this key instead of certificates'),
  tlsText('--psk-identity', 'NAME', 'no identity specified', 'pskIdentity', 'whose key --psk is'),
  tlsText(
    '--tls-keylog',
    'FILE',
    'no file specified',
    'keyLogFile',
    'append TLS session keys to FILE: whoever reads it\nreads the traffic',
  ),
  tlsText(
    '--tls-engine',
    'ENGINE',
    'no engine_id specified',
    'engine',
    'not available: OpenSSL 3 has no engines',
  ),
  tlsText(
    '--tls-engine-kpass-sha1',
    'HEX',
    'no kpass sha1 specified',
    'engineKeyPassSha1',
    'not available, see --tls-engine',
  ),
]
