/** A broker that serves the page, and a browser that looks at it. */
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect as dial, createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { chromium, type Browser, type Page } from 'playwright-core'
import { en, type Text } from '../../web/src/i18n/en.ts'
import { connect, type MqttClient } from '../../src/client/node.ts'
import { startBroker, type BrokerProcess } from '../support/broker-process.ts'
import { freePort } from '../support/free-port.ts'
import { processMsMax, waitMsMax } from '../support/patience.ts'

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  (file) => existsSync(file),
)

/** For the option `skip` of a test: false, or why there can be no browser. */
export const noBrowser: false | string =
  CHROMIUM === undefined ? 'chromium is not installed (apt-get install chromium)' : false

/** For the option `skip` of a test of Chinese words and their room: false, or why they would be boxes. */
export const noChinese: false | string = (() => {
  const { status, stdout } = spawnSync('fc-list', [':lang=zh', 'family'], { encoding: 'utf8' })
  return status === 0 && stdout.trim() !== ''
    ? false
    : 'no Chinese font is known of (apt-get install fontconfig fonts-wqy-microhei)'
})()

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export function openBrowser(): Promise<Browser> {
  return chromium.launch({
    ...(CHROMIUM !== undefined && { executablePath: CHROMIUM }),
    args: FLAGS,
  })
}

export const ADMIN = { username: 'boss', password: 'correct horse' }
/** May log in to the broker, and not manage it. */
export const OTHER_USER = { username: 'ann', password: 'battery staple' }

export interface Stage {
  readonly broker: BrokerProcess
  /** Address of the page. */
  readonly url: string
  readonly httpPort: number
  /** Its password file. */
  readonly passwords: string
  /** Ends the broker and starts it again; its port for MQTT is another one then. */
  restart(): Promise<void>
  /** A client beside the page, over TCP. */
  connect(clientId: string): Promise<MqttClient>
  close(): Promise<void>
}

/**
 * A broker with the page on a port of its own; who wants to manage it logs in as {@link ADMIN}.
 *
 * @param more Further lines of its configuration.
 */
export async function startStage(more: readonly string[] = []): Promise<Stage> {
  const directory = mkdtempSync(join(tmpdir(), 'mozzie-web-'))
  const passwords = join(directory, 'passwords')
  const rules = join(directory, 'rules')
  for (const [{ username, password }, create] of [
    [ADMIN, ['-c']],
    [OTHER_USER, []],
  ] as const)
    spawnSync(process.execPath, [
      'bin/mozzie',
      'passwd',
      ...create,
      '-b',
      passwords,
      username,
      password,
    ])
  writeFileSync(
    rules,
    'topic readwrite #\ntopic read $SYS/#\ntopic deny secret/#\nuser boss\ntopic readwrite #\n',
    { mode: 0o600 },
  )
  const httpPort = await freePort()
  const lines = [
    `password_file ${passwords}`,
    `acl_file ${rules}`,
    'sys_interval 1',
    'log_type all',
    'max_packet_size 64000000',
    ...more,
    `listener ${httpPort} 127.0.0.1`,
    'protocol http_api',
    `http_admin_user ${ADMIN.username}`,
  ].join('\n')
  let broker = await startBroker(lines)
  await answers(`http://127.0.0.1:${httpPort}/health`)
  const clients: MqttClient[] = []
  return {
    get broker() {
      return broker
    },
    async restart() {
      await broker.stop()
      broker = await startBroker(lines)
      await answers(`http://127.0.0.1:${httpPort}/health`)
    },
    httpPort,
    passwords,
    url: `http://127.0.0.1:${httpPort}/`,
    async connect(clientId) {
      const client = await connect(`mqtt://127.0.0.1:${broker.port}`, { clientId })
      clients.push(client)
      return client
    },
    async close() {
      await Promise.all(clients.map((client) => client.end({ force: true })))
      await broker.stop()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** HTTP listeners open a little after the first MQTT listener does. */
async function answers(url: string): Promise<void> {
  const deadline = performance.now() + processMsMax
  for (;;) {
    const response = await fetch(url).catch(() => null)
    if (response?.ok === true) return
    if (performance.now() > deadline) throw new Error(`nobody answers at ${url}`)
    await sleep(20)
  }
}

export interface View {
  locale?: 'en-US' | 'zh-CN'
  theme?: 'light' | 'dark'
  width?: number
  height?: number
  /** Takes any certificate, as if its authority were known. */
  trustsAll?: boolean
  /** The browser always has something to do: nothing is loaded ahead. */
  isNeverIdle?: boolean
}

export interface Seen {
  readonly page: Page
  /** What went wrong in the page: exceptions, refused by the policy, errors on the console, dialogs. */
  readonly problems: string[]
  close(): Promise<void>
}

/** A page with storage of its own, at the first screen. */
export async function visit(browser: Browser, url: string, view: View = {}): Promise<Seen> {
  const context = await browser.newContext({
    locale: view.locale ?? 'en-US',
    colorScheme: view.theme ?? 'light',
    viewport: { width: view.width ?? 1280, height: view.height ?? 800 },
    acceptDownloads: true,
    ignoreHTTPSErrors: view.trustsAll ?? false,
  })
  if (view.isNeverIdle === true) await context.addInitScript('requestIdleCallback = () => 0')
  const page = await context.newPage()
  page.setDefaultTimeout(waitMsMax)
  const problems: string[] = []
  page.on('pageerror', (error) => problems.push(`exception: ${error.message}`))
  page.on('console', (message) => {
    const text = message.text()
    // Other tests make networks of their own meanwhile; the browser asks again by itself.
    if (message.type() === 'error' && !text.endsWith('net::ERR_NETWORK_CHANGED'))
      problems.push(`console: ${text}`)
  })
  page.on('dialog', (dialog) => {
    problems.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  await page.goto(url)
  await page.waitForSelector('.welcome')
  return { page, problems, close: () => context.close() }
}

/** In the broker area, in the words of `t`. */
export async function login(page: Page, t: Text = en, who = ADMIN): Promise<void> {
  const form = page.locator('.login')
  await form.locator('input').first().fill(who.username)
  await form.getByLabel(t.password).fill(who.password)
  await form.locator('button[type=submit]').click()
  await page.locator('.broker-nav').waitFor()
}

export interface Cuttable {
  readonly url: string
  /** Ends every connection, without a word. */
  cut(): void
  /** Ends every connection, and takes no other until `comeBack`. */
  goAway(): Promise<void>
  comeBack(): Promise<void>
  close(): void
}

/** A port in front of `port` whose connections can be cut. */
export async function startCuttable(port: number): Promise<Cuttable> {
  const sockets = new Set<Socket>()
  const cut = () => {
    for (const socket of sockets) socket.destroy()
    sockets.clear()
  }
  const server = createServer((socket) => {
    const other = dial(port, '127.0.0.1')
    for (const [from, to] of [
      [socket, other],
      [other, socket],
    ] as const) {
      sockets.add(from)
      from.on('error', () => to.destroy()).on('close', () => to.destroy())
      from.pipe(to)
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port: own } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${own}/`,
    cut,
    async goAway() {
      const closed = once(server, 'close')
      server.close()
      cut()
      await closed
    },
    async comeBack() {
      server.listen(own, '127.0.0.1')
      await once(server, 'listening')
    },
    close() {
      cut()
      server.close()
    },
  }
}

/** {@link visit} through a wire that can be cut; both end with the test. */
export async function visitOverWire(
  browser: Browser,
  { httpPort }: { readonly httpPort: number },
  after: (end: () => unknown) => void,
  view: View = {},
): Promise<Seen & { readonly wire: Cuttable }> {
  const wire = await startCuttable(httpPort)
  after(() => wire.close())
  const seen = await visit(browser, wire.url, view)
  after(seen.close)
  return { ...seen, wire }
}
