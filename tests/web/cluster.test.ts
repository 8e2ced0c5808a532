/** The dashboard of a node: who is in the cluster, who is connected where, and what can be done from any of them. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { connect } from '../../src/client/node.ts'
import { en } from '../../web/src/broker/words-en.ts'
import { zh } from '../../web/src/broker/words-zh.ts'
import { en as common } from '../../web/src/i18n/en.ts'
import { zh as commonZh } from '../../web/src/i18n/zh.ts'
import { ADMIN, startBrokers, type ClusterBrokers } from '../cluster/brokers.ts'
import { skipNats, startNats, type NatsServers } from '../cluster/nats-servers.ts'
import { atThisLoad, testMsMax } from '../support/patience.ts'
import { violations } from './axe.ts'
import { login, noBrowser, openBrowser, visit } from './stage.ts'

const LOGIN = { username: ADMIN.name, password: ADMIN.password }

describe('the dashboard of a cluster', { skip: noBrowser || skipNats }, () => {
  let nats: NatsServers
  let cluster: ClusterBrokers
  let browser: Browser
  before(async () => {
    nats = await startNats(1)
    const options = { count: 2, replicas: 1, leaseSeconds: atThisLoad(6), hasPages: true }
    ;[cluster, browser] = await Promise.all([
      startBrokers({ ...options, urls: nats.urls, cluster: 'shops' }),
      openBrowser(),
    ])
  })
  after(async () => {
    await browser?.close()
    await cluster?.stop()
    await nats?.stop()
  })

  test(
    'says who is connected where, disconnects anywhere, drains a node, and says which does not answer, and which is gone',
    { timeout: testMsMax },
    async () => {
      const [first, second] = cluster.brokers
      const scanner = await connect(`mqtt://127.0.0.1:${second.port}`, {
        clientId: 'scanner-7',
        reconnect: false,
      })
      const cut = new Promise((resolve) => scanner.on('end', resolve))
      const { page, problems, close } = await visit(browser, `http://127.0.0.1:${first.httpPort}/`)
      await page.getByRole('tab', { name: common.broker, exact: true }).click()
      await login(page, common, LOGIN)
      const panel = page.locator('.cluster')
      await panel.getByText(en.cluster.title('shops')).waitFor()
      const node = (name: string) => panel.getByRole('row').filter({ hasText: name })
      await node('b0').getByText(en.cluster.self).waitFor()
      await page.getByText(en.cluster.ofOneNode('b0')).waitFor()
      assert.deepEqual(await violations(page, 'cluster'), [])

      await page.locator('.broker-nav a[href$=clients]').click()
      const row = page.locator('tbody tr', { hasText: 'scanner-7' })
      await row.getByText('b1', { exact: true }).waitFor()
      await row.locator('.row-button').click()
      const drawer = page.locator('.drawer')
      const fact = drawer.locator('dl > div').filter({ hasText: en.columns.node })
      assert.equal(await fact.locator('dd').first().innerText(), 'b1')
      await drawer.getByRole('button', { name: en.disconnectClient }).click()
      await cut

      await page.locator('.broker-nav a[href$=overview]').click()
      await node('b1').getByRole('button', { name: en.cluster.drain }).click()
      const question = page.getByRole('dialog')
      await question.getByText(en.cluster.confirmDrain('b1')).waitFor()
      await question.getByRole('button', { name: en.cluster.drain }).click()
      await node('b1').getByText(en.cluster.draining).waitFor()
      // Nobody is left to take the clients of the other one: that is said, and it stays in service.
      await node('b0').getByRole('button', { name: en.cluster.drain }).click()
      await question.getByRole('button', { name: en.cluster.drain }).click()
      await page.getByText(/No other node takes clients/).waitFor()
      await node('b0').getByText(en.cluster.serves).waitFor()

      second.freeze(true)
      await page.locator('.broker-nav a[href$=clients]').click()
      await page.getByText(en.silentNodes(['b1'])).waitFor()
      await page.locator('.broker-nav a[href$=overview]').click()
      await second.kill('SIGKILL')
      await node('b1')
        .getByText(/last seen at \d\d:\d\d:\d\d/)
        .waitFor()
      await second.start()
      await node('b1').getByText(en.cluster.serves).waitFor()
      assert.deepEqual(
        problems.filter((text) => !text.includes('409')),
        [],
      )
      await close()
    },
  )

  test('is said in Chinese too', { timeout: testMsMax }, async () => {
    const url = `http://127.0.0.1:${cluster.brokers[0].httpPort}/`
    const { page, close } = await visit(browser, url, {
      locale: 'zh-CN',
      theme: 'dark',
      width: 390,
    })
    await page.getByRole('tab', { name: commonZh.broker, exact: true }).click()
    await login(page, commonZh, LOGIN)
    await page.getByText(zh.cluster.title('shops')).waitFor()
    await page.getByText(zh.cluster.ofOneNode('b0')).waitFor()
    assert.deepEqual(await violations(page, 'cluster in Chinese'), [])
    await close()
  })
})
