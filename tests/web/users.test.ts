/** The page of users, groups and roles: what is made there counts in the broker. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { connect } from '../../src/client/node.ts'
import { en } from '../../web/src/broker/words-en.ts'
import { zh } from '../../web/src/broker/words-zh.ts'
import { dynamicFile } from '../auth/dynamic/driver.ts'
import { startBroker, type BrokerProcess } from '../support/broker-process.ts'
import { freePort } from '../support/free-port.ts'
import { testMsMax } from '../support/patience.ts'
import { noBrowser, openBrowser, visit } from './stage.ts'

const u = en.users

describe('the page of users', { skip: noBrowser }, () => {
  let browser: Browser
  let broker: BrokerProcess
  let httpPort = 0
  const directory = mkdtempSync(join(tmpdir(), 'mozzie-users-'))

  before(async () => {
    httpPort = await freePort()
    const file = join(directory, 'dynsec.json')
    const scene = { roles: { till: ['allow send shop/#'] }, groups: { g: { roles: ['till'] } } }
    writeFileSync(file, await dynamicFile(scene), { mode: 0o600 })
    ;[browser, broker] = await Promise.all([
      openBrowser(),
      startBroker(
        `listener ${httpPort} 127.0.0.1\nprotocol http_api\ndynamic_security_file ${file}\n`,
      ),
    ])
  })
  after(async () => {
    await browser?.close()
    await broker?.stop()
    rmSync(directory, { recursive: true })
  })

  test(
    'a user that is made there logs in; who may and why; a role that would go; changes',
    { timeout: testMsMax },
    async () => {
      const { page, problems, close } = await visit(browser, `http://127.0.0.1:${httpPort}/`)
      await page.getByRole('tab', { name: 'Broker' }).click()
      await page.getByLabel(en.columns.username).fill('admin')
      await page.getByLabel('Password').fill('admin')
      await page.getByRole('button', { name: en.login }).click()
      await page.getByRole('link', { name: en.pages.users }).click()
      const form = page.getByRole('form', { name: u.newUser })
      await form.getByLabel(u.userColumns.username).fill('till-7')
      await form.getByLabel('Password').fill('secret')
      await form.getByLabel(u.role).selectOption('till')
      await form.getByRole('button', { name: u.save }).click()
      const row = page.locator('tr', { hasText: 'till-7' })
      await row.getByText('till', { exact: true }).waitFor()
      const client = await connect(`mqtt://127.0.0.1:${broker.port}`, {
        username: 'till-7',
        password: 'secret',
        reconnect: false,
      })
      await client.publish('shop/1', 'x', { qos: 1 })
      await page.getByRole('tab', { name: u.parts.rights }).click()
      await page.getByLabel('Topic', { exact: true }).fill('shop/1')
      await page.getByRole('button', { name: en.test }).click()
      await page
        .locator('tr', { hasText: 'till-7' })
        .getByText('role "till": publishClientSend shop/#')
        .waitFor()
      await page.getByRole('tab', { name: u.parts.roles }).click()
      await page.getByRole('button', { name: `${u.remove} till` }).click()
      await page.getByText(u.wouldChange('till-7', u.kinds.publish, 'shop/x', u.denies)).waitFor()
      await page.getByRole('button', { name: 'Cancel' }).click()
      await page.getByRole('tab', { name: u.parts.users }).click()
      const ended = new Promise((resolve) => void client.on('end', resolve))
      await row.getByRole('button', { name: u.disable }).click()
      await row.getByText(u.disabled).waitFor()
      await ended
      await page.getByRole('tab', { name: u.parts.audit }).click()
      await page
        .locator('tr', { hasText: 'disableClient' })
        .getByText('admin', { exact: true })
        .waitFor()
      assert.ok(!(await page.locator('body').innerText()).includes('secret"'))
      const shot = process.env['MOZZIE_TEST_SHOTS']
      if (shot !== undefined) await page.screenshot({ path: join(shot, 'audit.png') })
      await page.getByRole('button', { name: '切换到中文' }).click()
      await page.getByRole('tab', { name: zh.users.parts.users }).click()
      await row.getByText(zh.users.disabled).waitFor()
      if (shot !== undefined) await page.screenshot({ path: join(shot, 'users-zh.png') })
      await page.getByRole('tab', { name: zh.users.parts.roles }).click()
      if (shot !== undefined) await page.screenshot({ path: join(shot, 'roles-zh.png') })
      assert.deepEqual(problems, [])
      await close()
    },
  )
})
