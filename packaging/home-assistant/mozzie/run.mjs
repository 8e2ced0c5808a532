// What the add-on runs: makes the broker's configuration of the add-on's options, and becomes the broker.
import { execFileSync } from 'node:child_process'
import { pbkdf2Sync, randomBytes } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  writeFileSync,
} from 'node:fs'
import { connect } from 'node:net'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { announce, answerLogins } from './supervisor.mjs'

/** In front of all paths: empty in the image. */
const ROOT = process.env.MOZZIE_ADDON_ROOT ?? ''
const DATA = `${ROOT}/data`
const RUN = `${ROOT}/run/mozzie`
const STORE = join(DATA, 'mozzie.db')
/** A shift of all ports: 0 in the image. */
const PORTS_AT = Number(process.env.MOZZIE_ADDON_PORTS_AT ?? 0)
const BIND = process.env.MOZZIE_ADDON_BIND ?? ''
const SUPERVISOR_ADDRESS = process.env.MOZZIE_ADDON_INGRESS_FROM ?? '172.30.32.2'
const MQTT_PORT = 1883
const ITERATIONS = 100_000
const PASSWORD_BYTES = 32
const WAIT_MS = 60_000
const STEP_MS = 200

const say = (text) => process.stderr.write(`${text}\n`)

function writeSecret(file, text) {
  writeFileSync(file, text, { mode: 0o600 })
}

/** Passwords of the accounts for Home Assistant and for add-ons: made once. */
function systemUsers() {
  const file = join(DATA, 'system_user.json')
  if (existsSync(file)) {
    const { homeassistant, addons } = JSON.parse(readFileSync(file, 'utf8'))
    return { homeassistant: homeassistant.password, addons: addons.password }
  }
  const make = () => randomBytes(PASSWORD_BYTES).toString('base64url')
  const made = { homeassistant: make(), addons: make() }
  const text = {
    homeassistant: { password: made.homeassistant },
    addons: { password: made.addons },
  }
  // Whole or not at all: half of it would be in the way of every later start.
  writeSecret(`${file}.new`, JSON.stringify(text))
  renameSync(`${file}.new`, file)
  return made
}

function hashOf(password) {
  const salt = randomBytes(16)
  const hash = pbkdf2Sync(password, salt, ITERATIONS, 64, 'sha512')
  return `PBKDF2$sha512$${ITERATIONS}$${salt.toString('base64')}$${hash.toString('base64')}`
}

function passwordLines(options, system) {
  const logins = options.logins ?? []
  const lines = [
    ['homeassistant', hashOf(system.homeassistant)],
    ['addons', hashOf(system.addons)],
  ]
  for (const { username, password, password_pre_hashed: isHashed } of logins) {
    if (lines.some(([known]) => known === username)) {
      say(`Warning: the login "${username}" is reserved or there twice: it is left out.`)
      continue
    }
    lines.push([username, isHashed === true ? password : hashOf(password)])
  }
  return lines.map(([user, hash]) => `${user}:${hash}\n`).join('')
}

const listen = (port) => `listener ${port + PORTS_AT}${BIND === '' ? '' : ` ${BIND}`}\n`

function tlsLines({ certfile = '', keyfile = '', cafile = '', require_certificate: isNeeded }) {
  const at = (name) => `${ROOT}/ssl/${name}`
  const has = (name) => name !== '' && existsSync(at(name))
  if (!has(certfile) || !has(keyfile)) {
    say('TLS is off: there are no certificates at /ssl.')
    return ''
  }
  const lines = [
    `cafile ${at(has(cafile) ? cafile : certfile)}`,
    `certfile ${at(certfile)}`,
    `keyfile ${at(keyfile)}`,
    `require_certificate ${isNeeded === true}`,
  ].join('\n')
  return `${listen(8883)}${lines}\n${listen(8884)}protocol websockets\n${lines}\n`
}

function customLines({ active, folder } = {}) {
  if (active !== true) return ''
  const directory = `${ROOT}/share/${folder}`
  if (existsSync(directory)) return `include_dir ${directory}\n`
  say(`Warning: customize: there is no folder /share/${folder}.`)
  return ''
}

function configuration(options, loginPort) {
  const { administrators = [] } = options
  const admins = administrators.length === 0 ? ['*'] : administrators
  return `user root
log_dest stderr
${options.debug === true ? 'log_type all\n' : ''}persistence true
persistence_location ${DATA}/
max_queued_messages 8192
auth_plugin go-auth.so
auth_opt_backends files,http
auth_opt_files_password_path ${RUN}/pw
auth_opt_files_acl_path ${RUN}/acl
auth_opt_http_register user
auth_opt_http_host 127.0.0.1
auth_opt_http_port ${loginPort}
auth_opt_http_timeout 10
auth_opt_http_getuser_uri /authentication
auth_opt_http_aclcheck_uri /acl
auth_opt_cache true
auth_opt_auth_cache_seconds 300
auth_opt_auth_jitter_seconds 30
${listen(MQTT_PORT)}${listen(1884)}protocol websockets
${tlsLines(options)}${listen(8099)}protocol http_api
http_proxy_login ${SUPERVISOR_ADDRESS}
${admins.map((admin) => `http_admin_user ${admin}\n`).join('')}${customLines(options.customize)}`
}

/** Everybody who is in may do everything, but for what an acl_file of the owner says. */
const RIGHTS = 'topic readwrite #\ntopic read $SYS/#\n'

/** A backup holds a copy of the store, not the store. */
function restore() {
  const copy = join(DATA, 'backup')
  if (existsSync(STORE) || !existsSync(copy)) return
  renameSync(copy, STORE)
  say('The store comes out of the backup.')
}

/** Resolves when the broker takes connections; false: it does not in time. */
async function isListening(port) {
  for (let left = WAIT_MS; left > 0; left -= STEP_MS) {
    const taken = await new Promise((resolve) => {
      const socket = connect({ port, host: BIND === '' ? '127.0.0.1' : BIND }, () => resolve(true))
      socket.once('error', () => resolve(false))
      socket.once('connect', () => socket.destroy())
    })
    if (taken) return true
    await new Promise((resolve) => setTimeout(resolve, STEP_MS))
  }
  return false
}

async function tellSupervisor(system) {
  if (!(await isListening(MQTT_PORT + PORTS_AT))) return
  const failures = await announce({ host: hostname(), port: MQTT_PORT, ...system })
  if (failures.length === 0) say('Home Assistant and its add-ons know of the broker.')
  for (const failure of failures) say(`Warning: the Supervisor was not told: ${failure}.`)
}

function programOf() {
  const given = process.env.MOZZIE_PROGRAM
  if (given !== undefined) return given
  const found = execFileSync('which', ['mozzie'], { encoding: 'utf8' }).trim()
  return realpathSync(found)
}

const options = JSON.parse(readFileSync(join(DATA, 'options.json'), 'utf8'))
mkdirSync(RUN, { recursive: true, mode: 0o700 })
restore()
const system = systemUsers()
writeSecret(join(RUN, 'pw'), passwordLines(options, system))
writeSecret(join(RUN, 'acl'), RIGHTS)
writeSecret(join(RUN, 'mozzie.conf'), configuration(options, await answerLogins()))
void tellSupervisor(system)
// In this process: a signal to the container is one to the broker.
const program = programOf()
process.argv = [process.argv[0], program, '-c', join(RUN, 'mozzie.conf')]
await import(pathToFileURL(program).href)
