/** `mozzie tls-init DIR --host NAME`: the certificates of a first secure set-up, and what to do with them. */
import { readdirSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join, resolve } from 'node:path'
import { makeDirectories } from '../store/make-directories.ts'
import {
  createAuthority,
  createClientCertificate,
  createServerCertificate,
  validFor,
} from './certificates.ts'
import { unknownOption } from './unknown-option.ts'

const FLAGS: readonly string[] = ['--host', '--client', '--days', '--help']

interface TlsInitArguments {
  readonly directory: string
  readonly hosts: readonly string[]
  readonly client: string
  readonly days: number
}

const USAGE_EXIT_CODE = 3
const FAILURE_EXIT_CODE = 1
const DAYS_DEFAULT = 825
const DAYS_MAX = 36_500
const CLIENT_DEFAULT = 'client1'

export const HELP = `Usage: mozzie tls-init DIR --host NAME [--host NAME]... [--client NAME] [--days N]

Makes an authority (ca), a certificate for the broker (server) and one for a client, with their keys, in DIR.

  --host NAME    name or address that clients connect to; the first is the common name
  --client NAME  common name of the client's certificate, its user name (default ${CLIENT_DEFAULT})
  --days N       days until they are no longer valid (default ${DAYS_DEFAULT})
`

const DNS_NAME =
  /^(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.?$/i

/** @returns the arguments, or one line that says what is wrong with them. */
export function parseTlsInit(words: readonly string[]): TlsInitArguments | string {
  const hosts: string[] = []
  let directory = ''
  let client = CLIENT_DEFAULT
  let days = DAYS_DEFAULT
  for (let index = 0; index < words.length; index++) {
    const word = words[index]
    if (!word.startsWith('-')) {
      if (directory !== '') return `Only one directory can be given, not also "${word}".`
      directory = word
      continue
    }
    const value = words.at(index + 1)
    if (!FLAGS.includes(word)) return unknownOption(word, FLAGS)
    if (value === undefined) return `"${word}" needs a value behind it.`
    index++
    if (word === '--host') hosts.push(value)
    else if (word === '--client') client = value
    else days = /^\d{1,5}$/.test(value) ? Number(value) : 0
  }
  if (directory === '') return 'A directory is needed.'
  if (hosts.length === 0) return '"--host NAME" is needed: the name that clients connect to.'
  const wrong = hosts.find(
    (host) => isIP(host) === 0 && (host.length > 253 || !DNS_NAME.test(host)),
  )
  if (wrong !== undefined) return `"${wrong}" is no host name and no address.`
  if (client === '' || client.length > 64 || /[\p{Cc}+#/]/u.test(client))
    return `"${client}" can be no user name: up to 64 characters, none of + # /.`
  if (client === 'ca' || client === 'server')
    return `"${client}" is the name of another file: choose another name for the client.`
  if (days < 1 || days > DAYS_MAX) return `"--days" must be from 1 to ${DAYS_MAX}.`
  return { directory, hosts, client, days }
}

/** Writes the files; resolves to what to tell the user. @throws the system's error. */
export async function tlsInit(options: TlsInitArguments): Promise<string> {
  const { hosts, client, days } = options
  const directory = resolve(options.directory)
  makeDirectories(directory, 0o700)
  const taken = readdirSync(directory).find((name) => /\.(?:crt|key)$/.test(name))
  if (taken !== undefined)
    throw new Error(`${join(directory, taken)} is there already: choose an empty directory`)
  const validity = validFor(days)
  const authority = await createAuthority(`Mozzie authority for ${hosts[0]}`, validity)
  const server = await createServerCertificate(authority, hosts, validity)
  const forClient = await createClientCertificate(authority, client, validity)
  const write = (name: string, text: string, mode: number): void =>
    writeFileSync(join(directory, name), text, { mode, flag: 'wx' })
  for (const [name, { certificate, key }] of [
    ['ca', authority],
    ['server', server],
    [client, forClient],
  ] as const) {
    write(`${name}.key`, key, 0o600)
    write(`${name}.crt`, certificate, 0o644)
  }
  return instructions(directory, hosts[0], client)
}

function instructions(directory: string, host: string, client: string): string {
  const file = (name: string): string => shellWord(join(directory, name))
  const path = (name: string): string => join(directory, name)
  return `Made in ${directory}: ca, server and ${client}, each with .crt and .key.

For the configuration (the account that the broker runs as must be able to read server.key):

listener 8883
certfile ${path('server.crt')}
keyfile ${path('server.key')}

Clients verify the broker with ca.crt:

mosquitto_pub -h ${host} -p 8883 --cafile ${file('ca.crt')} -t test -m hello

To let in only clients with a certificate, whose common name is their user name, add:

cafile ${path('ca.crt')}
require_certificate true
use_identity_as_username true

mosquitto_pub -h ${host} -p 8883 --cafile ${file('ca.crt')} --cert ${file(`${client}.crt`)} --key ${file(`${client}.key`)} -t test -m hello

Whoever has ca.key can make certificates that are believed: keep it elsewhere.
`
}

function shellWord(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

export async function runTlsInit(words: readonly string[]): Promise<void> {
  if (words.some((word) => word === '-h' || word === '--help'))
    return void process.stdout.write(HELP)
  const parsed = parseTlsInit(words)
  if (typeof parsed === 'string') {
    process.stderr.write(`Error: ${parsed}\nTry "mozzie tls-init --help".\n`)
    process.exitCode = USAGE_EXIT_CODE
    return
  }
  try {
    process.stdout.write(await tlsInit(parsed))
  } catch (error) {
    process.stderr.write(`Error: ${(error as Error).message}.\n`)
    process.exitCode = FAILURE_EXIT_CODE
  }
}
