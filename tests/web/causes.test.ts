/** Why no connection came about: a browser says nothing of it, and the page finds out what can be found out. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { after, before } from 'node:test'
import type { Page } from 'playwright-core'
import { en, type Text } from '../../web/src/i18n/en.ts'
import { zh } from '../../web/src/i18n/zh.ts'
import type { CauseName } from '../../web/src/model/connect-causes.ts'
import { startBroker, type BrokerProcess } from '../support/broker-process.ts'
import { makeCertificates, type TestCertificates } from '../support/certificates.ts'
import { freePort } from '../support/free-port.ts'
import { violations } from './axe.ts'
import { connectTo } from './acts.ts'
import { visit } from './stage.ts'
import { browserSuite } from './suite.ts'

/** An address of loopback that no other process of tests has: there its port may be 1883. */
const OWN_HOST = `127.${100 + (process.pid % 100)}.${(process.pid >> 8) & 0xff}.1`

/** A browser tells no port where nothing listens from one that speaks something else: both end at once. */
const CLOSED = ['nothingListens', 'maybeMqttPort'] as const

/** A broker whose listeners each ask for something else. */
async function startListeners({ server, authority }: TestCertificates) {
  const [plain, tls, elsewhere, page, plainPage, tcp, tlsTcp] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ]
  const withTls = `certfile ${server.certificateFile}\nkeyfile ${server.keyFile}`
  const broker = await startBroker(
    [
      `listener 1883 ${OWN_HOST}`,
      `listener ${tcp} 127.0.0.1`,
      `listener ${tlsTcp} 127.0.0.1\n${withTls}`,
      `listener ${plain} 127.0.0.1\nprotocol websockets\nwebsockets_path /mqtt`,
      `listener ${tls} 127.0.0.1\nprotocol websockets\n${withTls}\ncafile ${authority.certificateFile}`,
      `listener ${plainPage} 127.0.0.1\nprotocol http_api`,
      `listener ${elsewhere} 127.0.0.1\nprotocol websockets\nwebsockets_origin https://shop.example`,
      `listener ${page} 127.0.0.1\nprotocol http_api\n${withTls}`,
    ].join('\n'),
  )
  return { broker, plain, tls, elsewhere, page, plainPage, tcp, tlsTcp }
}

browserSuite('no connection', (test) => {
  let certificates: TestCertificates
  let broker: BrokerProcess
  let ports: Omit<Awaited<ReturnType<typeof startListeners>>, 'broker'>
  before(async () => {
    certificates = await makeCertificates()
    ;({ broker, ...ports } = await startListeners(certificates))
  })
  after(async () => {
    await broker?.stop()
    certificates?.remove()
  })

  /** What is said to be, or perhaps to be, the cause; in that order. */
  async function causesSeen(page: Page, t: Text = en): Promise<(string | undefined)[]> {
    const items = page.locator('.connect-help li')
    await items.first().waitFor()
    const texts = await items.allInnerTexts()
    assert.doesNotMatch(await page.locator('body').innerText(), /1006|Connection lost/)
    const names = Object.keys(en.causes) as CauseName[]
    return texts.map((text) => names.find((name) => text.startsWith(t.causes[name])))
  }

  /** Follows what the page offers instead, and is connected. */
  async function follow(page: Page, address: RegExp): Promise<void> {
    await page.getByRole('button', { name: address }).click()
    await page.getByRole('status').filter({ hasText: en.statuses.online }).waitFor()
  }

  test('a wrong path is found out, and the right one is a click away', async ({ page }) => {
    await connectTo(page, en, { [en.host]: `ws://127.0.0.1:${ports.plain}/wrong` })
    assert.deepEqual(await causesSeen(page), ['wrongPath'])
    await follow(page, /Connect to ws:.*\/mqtt/)
  })

  test('TLS on a plain port is found out, and ws:// is a click away', async ({ page }) => {
    await connectTo(page, en, { [en.host]: `wss://127.0.0.1:${ports.plain}/mqtt` })
    assert.deepEqual(await causesSeen(page), ['tlsOnPlain'])
    await follow(page, /Connect to ws:/)
  })

  test('plain on a TLS port is found out, and wss:// is a click away', async ({
    browser,
    stage,
  }) => {
    const { page, close } = await visit(browser, stage.url, { trustsAll: true })
    await connectTo(page, en, { [en.host]: `ws://127.0.0.1:${ports.tls}/mqtt` })
    assert.deepEqual(await causesSeen(page), ['plainOnTls'])
    await follow(page, /Connect to wss:/)
    await close()
  })

  test('an unknown certificate is named, with what opens the address and the authority', async ({
    page,
  }) => {
    await connectTo(page, en, { [en.host]: `wss://127.0.0.1:${ports.tls}/mqtt` })
    assert.deepEqual(await causesSeen(page), [...CLOSED, 'certificate', 'originRefused'])
    assert.deepEqual(await violations(page, 'causes'), [])
    const link = page.getByRole('link', { name: en.openAddress })
    assert.equal(await link.getAttribute('href'), `https://127.0.0.1:${ports.tls}/`)
    assert.match(en.causes.certificate, /ca\.crt/)
  })

  test('an unknown certificate of the own broker is named for sure, and its authority offered', async ({
    browser,
    after,
  }) => {
    const { page, close } = await visit(browser, `http://127.0.0.1:${ports.plainPage}/`)
    after(close)
    await connectTo(page, en, { [en.host]: `ws://127.0.0.1:${ports.tls}/mqtt` })
    assert.deepEqual(await causesSeen(page), ['plainOnTls'])
    await page.getByRole('button', { name: /Connect to wss:/ }).click()
    await page.getByRole('link', { name: en.openAddress }).waitFor()
    assert.deepEqual(await causesSeen(page), ['unknownCertificate'])
    assert.deepEqual(await violations(page, 'unknown certificate'), [])
    const saved = page.waitForEvent('download')
    await page.getByRole('button', { name: en.downloadAuthority }).click()
    const { authority } = certificates
    const download = await saved
    assert.equal(download.suggestedFilename(), 'ca.crt')
    assert.equal(readFileSync(await download.path(), 'utf8'), authority.certificate)
  })

  test('a port for MQTT over TCP of the own broker is named for sure, whatever its number', async ({
    browser,
    after,
  }) => {
    for (const port of [ports.tcp, ports.tlsTcp]) {
      const { page, close } = await visit(browser, `http://127.0.0.1:${ports.plainPage}/`)
      after(close)
      await connectTo(page, en, { [en.host]: `127.0.0.1:${port}` })
      assert.deepEqual(await causesSeen(page), ['mqttPort'])
      await follow(page, new RegExp(`Connect to ws://127.0.0.1:${ports.plainPage}/mqtt`))
    }
  })

  test('plain on a TLS port whose certificate is unknown names that too', async ({ page }) => {
    await connectTo(page, en, { [en.host]: `ws://127.0.0.1:${ports.tls}/mqtt` })
    assert.deepEqual(await causesSeen(page), [...CLOSED, 'hiddenTls', 'originRefused'])
    const link = page.getByRole('link', { name: en.openAddress })
    assert.equal(await link.getAttribute('href'), `https://127.0.0.1:${ports.tls}/`)
  })

  test('a refused origin is named first where the usual paths were tried, and that nothing listens is not', async ({
    page,
  }) => {
    await connectTo(page, en, { [en.host]: `ws://127.0.0.1:${ports.elsewhere}/mqtt` })
    assert.deepEqual(await causesSeen(page), ['originRefused', 'otherPath'])
  })

  test('the port of MQTT over TCP is named as such', async ({ page }) => {
    await connectTo(page, en, { [en.host]: `ws://${OWN_HOST}:1883/mqtt` })
    assert.deepEqual(await causesSeen(page), ['mqttPort'])
  })

  for (const [locale, t] of [
    ['en-US', en],
    ['zh-CN', zh],
  ] as const)
    test(
      `that another port may be one for MQTT over TCP is said, ${locale}`,
      async ({ page }) => {
        await connectTo(page, t, { [t.host]: `ws://127.0.0.1:${ports.tcp}/mqtt` })
        assert.deepEqual(await causesSeen(page, t), [...CLOSED, 'hiddenTls', 'originRefused'])
        assert.match(t.causes.maybeMqttPort, /TCP.*WebSocket/)
        assert.match(t.causes.maybeMqttPort, /protocol websockets/)
      },
      { locale },
    )

  test('that a port with TLS may be one for MQTT over TCP is said', async ({ page }) => {
    await connectTo(page, en, { [en.host]: `wss://127.0.0.1:${ports.tlsTcp}/mqtt` })
    assert.deepEqual(await causesSeen(page), [...CLOSED, 'certificate', 'originRefused'])
  })

  test('a port that answers nothing is told from one that is closed', async ({ page, after }) => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1')
    after(() => silent.close())
    await once(silent, 'listening')
    const address = silent.address()
    assert.ok(typeof address === 'object' && address !== null)
    await connectTo(page, en, { [en.host]: `ws://127.0.0.1:${address.port}/mqtt` })
    assert.deepEqual(await causesSeen(page), ['noAnswer', 'maybeMqttPort'])
  })

  test('where nothing listens the causes stand in order', async ({ page }) => {
    const port = await freePort()
    await connectTo(page, en, { [en.host]: `ws://127.0.0.1:${port}/mqtt` })
    assert.deepEqual(await causesSeen(page), [...CLOSED, 'hiddenTls', 'originRefused'])
  })

  test('a page of https says that the browser allows wss:// only', async ({ browser }) => {
    const url = `https://127.0.0.1:${ports.page}/`
    const { page, close } = await visit(browser, url, { trustsAll: true })
    await connectTo(page, en, { [en.host]: 'ws://broker.example:9001/mqtt' })
    assert.deepEqual(await causesSeen(page), ['mixedContent'])
    await close()
  })
})
