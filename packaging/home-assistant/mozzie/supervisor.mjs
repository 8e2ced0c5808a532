// What the add-on says to Home Assistant's Supervisor.
import { createServer } from 'node:http'

const SUPERVISOR = process.env.SUPERVISOR_URL ?? 'http://supervisor'
const TOKEN = process.env.SUPERVISOR_TOKEN ?? ''
const PATIENCE_MS = 8000
const ATTEMPTS = 5
const PAUSE_MS = 2000
const BODY_BYTES_MAX = 128 * 1024
/** Accounts of the add-on's own: their passwords are in its file alone. */
const RESERVED = new Set(['homeassistant', 'addons'])

function call(method, path, body) {
  return fetch(`${SUPERVISOR}${path}`, {
    method,
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
    redirect: 'error',
    signal: AbortSignal.timeout(PATIENCE_MS),
  })
}

/**
 * The part of the HTTP backend of go-auth, on this machine alone: is this a user of Home Assistant? 200 yes, 403 no, 502
 * nobody answers.
 *
 * @returns The port.
 */
export async function answerLogins() {
  const server = createServer((request, response) => {
    void statusOf(request).then((status) => response.writeHead(status).end())
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  // The broker decides when the process ends.
  server.unref()
  return server.address().port
}

async function statusOf(request) {
  try {
    const { username, password } = JSON.parse(await bodyOf(request))
    if (RESERVED.has(username)) return 403
    const { status } = await call('POST', '/auth', { username, password })
    if (status === 200) return 200
    return status >= 500 ? 502 : 403
  } catch {
    return 502
  }
}

async function bodyOf(request) {
  let body = ''
  for await (const chunk of request.setEncoding('utf8')) {
    body += chunk
    if (body.length > BODY_BYTES_MAX) throw new Error('too long')
  }
  return body
}

/** Tells Home Assistant, and the other add-ons, where the broker is. @returns What failed. */
export async function announce({ host, port, homeassistant, addons }) {
  const place = { host, port, ssl: false, protocol: '3.1.1' }
  const failures = []
  const tell = async (what, path, body) => {
    const failure = await tryToTell(path, body)
    if (failure !== null) failures.push(`${what}: ${failure}`)
  }
  const own = { ...place, username: 'homeassistant', password: homeassistant }
  await tell('discovery', '/discovery', { service: 'mqtt', config: own })
  // What a run before this one left.
  await call('DELETE', '/services/mqtt').catch(() => {})
  const others = { ...place, username: 'addons', password: addons }
  await tell('service', '/services/mqtt', others)
  return failures
}

/** null: told. The Supervisor is busy when everything starts. */
async function tryToTell(path, body, left = ATTEMPTS) {
  const failure = await call('POST', path, body).then(
    ({ ok, status }) => (ok ? null : `status ${status}`),
    (error) => error.message,
  )
  if (failure === null || left <= 1) return failure
  await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
  return tryToTell(path, body, left - 1)
}
