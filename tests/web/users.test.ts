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
import { followsField } from './acts.ts'
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
      await form.getByLabel(u.textname).fill('Till seven')
      await form.getByLabel(u.textdescription).fill('by the door')
      await form.getByLabel(u.role, { exact: true }).selectOption('till')
      await form.getByLabel(u.priorityOf(u.role)).fill('7')
      await form.getByRole('button', { name: u.save }).click()
      const row = page.locator('tr', { hasText: 'till-7' })
      await row.getByText('till', { exact: true }).waitFor()
      await row.getByText('Till seven').waitFor()
      await row.getByText('by the door').waitFor()
      await row.getByText('7', { exact: true }).waitFor()
      await form.getByLabel(u.userColumns.username).fill('bad\u0001name')
      await form.getByLabel('Password').fill('secret')
      await form.getByRole('button', { name: u.save }).click()
      const refused = page.locator('.users-page [role=alert]')
      await followsField(refused, form.getByLabel(u.userColumns.username))
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
      const rights = page.getByRole('region', { name: u.parts.rights })
      await followsField(rights, page.getByLabel('Topic', { exact: true }))
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

  test(
    'thousands of users: pages and a search; a role that goes takes what the page said; bans',
    { timeout: testMsMax },
    async () => {
      const { page, problems, close } = await visit(browser, `http://127.0.0.1:${httpPort}/`)
      await page.getByRole('tab', { name: 'Broker' }).click()
      await page.getByLabel(en.columns.username).fill('admin')
      await page.getByLabel('Password').fill('admin')
      await page.getByRole('button', { name: en.login }).click()
      await page.getByRole('link', { name: en.pages.users }).click()
      await page.getByRole('form', { name: u.newUser }).waitFor()
      await command(
        ...Array.from({ length: 60 }, (_, at) => ({
          command: 'createClient',
          username: `shelf-${String(at).padStart(3, '0')}`,
        })),
        { command: 'createRole', rolename: 'shelf' },
        {
          command: 'addRoleACL',
          rolename: 'shelf',
          acltype: 'publishClientSend',
          topic: 'shelf/%u',
          allow: true,
        },
        { command: 'addClientRole', username: 'shelf-007', rolename: 'shelf' },
        { command: 'setClientPassword', username: 'shelf-007', password: 'secret' },
      )
      await page.locator('tr', { hasText: 'shelf-001' }).waitFor()
      assert.equal(await page.locator('tr', { hasText: 'shelf-059' }).count(), 0)
      await page.getByRole('button', { name: en.next }).click()
      await page.locator('tr', { hasText: 'shelf-059' }).waitFor()
      await page.getByRole('searchbox', { name: u.search }).fill('SHELF-007')
      await page.locator('tr', { hasText: 'shelf-007' }).waitFor()
      await page.locator('tr', { hasText: 'shelf-059' }).waitFor({ state: 'detached' })
      const url = `mqtt://127.0.0.1:${broker.port}`
      const login = { username: 'shelf-007', password: 'secret', reconnect: false } as const
      const before = await connect(url, login)
      await before.publish('shelf/shelf-007', 'x', { qos: 1 })
      await before.end()
      await page.getByRole('tab', { name: u.parts.roles }).click()
      await page.getByRole('button', { name: `${u.remove} shelf` }).click()
      await page
        .getByText(u.wouldChange('shelf-007', u.kinds.publish, 'shelf/shelf-007', u.denies))
        .waitFor()
      await page.getByRole('dialog').getByRole('button', { name: u.remove }).click()
      await page.locator('tr', { hasText: 'shelf/%u' }).waitFor({ state: 'detached' })
      const after = await connect(url, login)
      await assert.rejects(after.publish('shelf/shelf-007', 'x', { qos: 1 }), { reason: 0x87 })
      await page.getByRole('tab', { name: u.parts.bans }).click()
      const form = page.getByRole('form', { name: en.bans.newBan })
      await form.getByLabel(en.bans.columns.username).fill('shelf-007')
      await form.getByLabel(en.bans.howLong).selectOption(en.bans.times[600])
      await form.getByLabel(en.bans.columns.reason).fill('lost')
      const ended = new Promise((resolve) => void after.on('end', resolve))
      await form.getByRole('button', { name: en.bans.ban }).click()
      const ban = page.locator('tr', { hasText: 'lost' })
      await ban.getByText('shelf-007').waitFor()
      await ended
      await assert.rejects(connect(url, login), { reason: 0x8a })
      await form.getByLabel(en.bans.columns.username).fill('admin')
      await form.getByRole('button', { name: en.bans.ban }).click()
      const refusal = page.getByText('This ban would keep you out as well')
      await followsField(refusal, form.getByLabel(en.bans.columns.reason))
      const shot = process.env['MOZZIE_TEST_SHOTS']
      if (shot !== undefined) await page.screenshot({ path: join(shot, 'bans.png') })
      await ban.getByRole('button', { name: en.bans.lift }).click()
      await page.getByText(en.bans.none).waitFor()
      await (await connect(url, login)).end()
      // The browser says that a ban was refused (409).
      assert.deepEqual(
        problems.filter((text) => !text.includes('409')),
        [],
      )
      await close()
    },
  )

  /** Over the API, as somebody else may. */
  async function command(...commands: object[]): Promise<void> {
    const answer = await fetch(`http://127.0.0.1:${httpPort}/api/v1/users/commands`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from('admin:admin').toString('base64')}`,
        'content-type': 'application/json',
        'x-csrf-token': 'test',
      },
      body: JSON.stringify({ commands }),
    })
    assert.equal(answer.status, 200)
  }
})
