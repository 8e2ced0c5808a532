/** `mozzie doctor`: what a person would ask in a forum, answered in order, with evidence and the next command. */
import { existsSync, readFileSync } from 'node:fs'
import { delimiter } from 'node:path'
import type { TlsOptions } from '../client/tls-options.ts'
import type { Config, ListenerConfig } from '../config/config.ts'
import { persistenceOf } from '../server/persistence.ts'
import { examineCertificates } from './doctor/certificates.ts'
import { examineConfiguration } from './doctor/configuration.ts'
import { examineConnection } from './doctor/connection.ts'
import { examineFiles } from './doctor/files.ts'
import {
  fill,
  fillCommand,
  type CheckName,
  type Finding,
  type Tell,
  type Words,
} from './doctor/finding.ts'
import { examineListeners } from './doctor/listeners.ts'
import type { Login } from './doctor/login.ts'
import { examineMachine } from './doctor/machine.ts'
import { examineStore } from './doctor/store.ts'
import { WORDS_EN } from './doctor/words-en.ts'
import { WORDS_ZH } from './doctor/words-zh.ts'
import { askWhy } from './why.ts'
import { parseWords } from './unknown-option.ts'

export const HELP = `Usage: mozzie doctor [-c FILE] [--url URL] [--client ID] [--json]

Looks at a broker's configuration, its listeners, files, certificates and store, at this machine, and whether a
client can reach it; says what is wrong, and what to do.

  -c FILE           configuration of the broker (default: the first that exists of MOZZIE_CONFIG, several paths with
                    colons between, or /etc/mozzie/mozzie.conf; else none, the broker of this machine alone)
  --url URL         connect there: mqtt://host:port, mqtts://, ws://, wss://, unix:///path
                    (default: the first listener of the configuration)
  -i ID             client id to connect with
  -u USER           user name
  -P PASSWORD       password; or put it into the variable MOZZIE_PASSWORD
  --cafile FILE     the authority that signed the broker's certificate
  --cert FILE       certificate of the client
  --key FILE        its key
  --insecure        believe any certificate
  --client ID       also ask the running broker why this client gets nothing
  --admin-url URL   its admin API (default: that of the configuration, else http://127.0.0.1:9883)
  --lang en|zh      language (default: of the locale)
  --json            one JSON object: every finding with its name and values

Exit code: 0 nothing is wrong, 1 the question could not be asked, 2 something is wrong.

Examples:
  mozzie doctor -c /etc/mozzie/mozzie.conf
  mozzie doctor --url mqtts://broker.shop.lan -u till -P secret --cafile ca.crt
`

export const DOCTOR_FLAGS = [
  '-c',
  '--url',
  '-i',
  '-u',
  '-P',
  '--cafile',
  '--cert',
  '--key',
  '--insecure',
  '--client',
  '--admin-url',
  '--lang',
  '--json',
  '--help',
] as const

const OPTIONS = {
  'config-file': { type: 'string', short: 'c' },
  url: { type: 'string' },
  id: { type: 'string', short: 'i' },
  username: { type: 'string', short: 'u' },
  password: { type: 'string', short: 'P' },
  cafile: { type: 'string' },
  cert: { type: 'string' },
  key: { type: 'string' },
  insecure: { type: 'boolean' },
  client: { type: 'string' },
  'admin-url': { type: 'string' },
  lang: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

/** Of the Debian package. */
const PACKAGE_CONFIG = '/etc/mozzie/mozzie.conf'
const USUAL_ADMIN_URL = 'http://127.0.0.1:9883'
const FAILURE_EXIT_CODE = 1
const WRONG_EXIT_CODE = 2

type Wish = ReturnType<typeof parse>
const parse = (words: readonly string[]) =>
  parseWords({ args: [...words], options: OPTIONS, allowPositionals: false }).values

/** Runs `mozzie doctor` with the words behind its name; sets the exit code. */
export async function runDoctor(words: readonly string[]): Promise<void> {
  try {
    const wish = parse(words)
    if (wish.help) return void process.stdout.write(HELP)
    const spoken = wordsOf(wish.lang)
    const findings = await examine(wish)
    process.stdout.write(wish.json ? jsonOf(findings, spoken) : textOf(findings, spoken))
    if (findings.some(({ state }) => state === 'bad')) process.exitCode = WRONG_EXIT_CODE
  } catch (error) {
    process.stderr.write(`Error: ${(error as Error).message}\n`)
    process.exitCode = FAILURE_EXIT_CODE
  }
}

/** Of POSIX: the first of these variables that is set decides. */
function wordsOf(language: string | undefined): Words {
  const { LC_ALL, LC_MESSAGES, LANG } = process.env
  const locale = language ?? (LC_ALL || LC_MESSAGES || LANG || '')
  return locale.startsWith('zh') ? WORDS_ZH : WORDS_EN
}

async function examine(wish: Wish): Promise<Finding[]> {
  const findings: Finding[] = []
  const teller =
    (check: CheckName): Tell =>
    (state, key, values = {}) =>
      void findings.push({ check, state, key, values })
  const nowMs = Date.now()
  // A broker elsewhere is looked at from outside alone.
  const isElsewhere = wish['config-file'] === undefined && wish.url !== undefined
  const file = wish['config-file'] ?? usualFile()
  const config = isElsewhere ? null : examineConfiguration(file, teller('configuration'))
  if (config !== null) {
    const location = persistenceOf(config, file, false)?.location ?? null
    examineListeners(config, teller('listeners'))
    examineFiles(config, location, teller('files'))
    examineCertificates(config, nowMs, teller('certificates'))
    examineMachine(config, location, nowMs, teller('machine'))
    await examineStore(config, location, nowMs, teller('store'))
  }
  const url = wish.url ?? (config === null ? null : urlOf(config))
  if (url !== null) await examineConnection(loginOf(wish, url), config, teller('connection'))
  if (wish.client !== undefined) {
    const adminUrl = wish['admin-url'] ?? adminUrlOf(config)
    await examineClient(wish, wish.client, adminUrl, teller('client'))
  }
  return findings
}

/** The broker's where it was installed from a package, or runs in a container. */
function usualFile(): string | null {
  const files = (process.env['MOZZIE_CONFIG'] ?? PACKAGE_CONFIG).split(delimiter)
  return files.find((file) => existsSync(file)) ?? null
}

/** Of the first listener that speaks MQTT, as seen from this machine; null: there is none. */
function urlOf({ listeners }: Config): string | null {
  const listener = listeners.find(({ protocol }) => protocol !== 'http_api')
  if (listener === undefined) return null
  const { port, socketPath, protocol, certificateFile, pskHint } = listener
  if (socketPath !== null) return `unix://${socketPath}`
  const isWebSocket = protocol === 'websockets'
  const isSecure = certificateFile !== null || pskHint !== null
  const scheme = `${isWebSocket ? 'ws' : 'mqtt'}${isSecure ? 's' : ''}`
  return `${scheme}://${hostOf(listener)}:${port}`
}

function adminUrlOf(config: Config | null): string {
  const api = config?.listeners.find(({ protocol }) => protocol === 'http_api')
  if (api === undefined) return USUAL_ADMIN_URL
  const scheme = api.certificateFile === null ? 'http' : 'https'
  return `${scheme}://${hostOf(api)}:${api.port}`
}

/** As seen from this machine, for a URL. */
function hostOf({ host }: ListenerConfig): string {
  const name = host === null || host === '0.0.0.0' || host === '::' ? 'localhost' : host
  return name.includes(':') ? `[${name}]` : name
}

function loginOf(wish: Wish, url: string): Login {
  const { cafile, cert, key } = wish
  const tls: TlsOptions = {
    ...(cafile !== undefined && { ca: readFileSync(cafile) }),
    ...(cert !== undefined && { cert: readFileSync(cert) }),
    ...(key !== undefined && { key: readFileSync(key) }),
    ...(wish.insecure === true && { verify: false }),
    // An address of the configuration is not the name that clients use.
    ...((wish.insecure === true || wish.url === undefined) && { verifyName: false }),
  }
  const password = wish.password ?? process.env['MOZZIE_PASSWORD']
  return { url, clientId: wish.id, username: wish.username, password, tls }
}

async function examineClient(wish: Wish, clientId: string, url: string, tell: Tell): Promise<void> {
  try {
    const { verdict, finding, links } = await askWhy({
      client: clientId,
      url,
      username: wish.username,
      password: wish.password,
    })
    tell(finding === 'inOrder' ? 'good' : 'bad', 'clientAsked', { verdict })
    for (const { state, question, answer } of links)
      if (state !== 'good') tell('note', 'clientLink', { question, answer })
  } catch (error) {
    tell('bad', 'clientUnknown', { clientId, url, message: (error as Error).message })
  }
}

function jsonOf(findings: readonly Finding[], words: Words): string {
  const shown = findings.map(({ check, state, key, values }) => {
    const [text, next] = words[key]
    return {
      check,
      state,
      finding: key,
      text: fill(text, values),
      next: next === '' ? null : fillCommand(next, values),
      values,
    }
  })
  return `${JSON.stringify({ wrong: findings.some(({ state }) => state === 'bad'), findings: shown })}\n`
}

const MARKS: Readonly<Record<Finding['state'], string>> = { good: 'ok', note: '--', bad: '!!' }

function textOf(findings: readonly Finding[], words: Words): string {
  const lines = findings.flatMap(({ state, key, values }) => {
    const [text, next] = words[key]
    const shown = `${MARKS[state]}  ${fill(text, values)}`
    return state === 'good' || next === ''
      ? [shown]
      : [shown, `    → ${fillCommand(next, values).replaceAll('\n', '\n      ')}`]
  })
  return `${lines.join('\n')}\n`
}
