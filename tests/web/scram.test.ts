/** A login that proves the password instead of sending it; and messages as commands, run by a shell. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Page } from 'playwright-core'
import type { Text } from '../../web/src/i18n/en.ts'
import { publish, row, subscribe } from './acts.ts'
import { ADMIN } from './stage.ts'
import { browserSuite } from './suite.ts'

const run = promisify(execFile)

async function connectByScram(page: Page, t: Text, password: string): Promise<void> {
  await page.locator('.welcome .button').nth(2).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel(t.passwordGoes).selectOption('SCRAM-SHA-512')
  await dialog.locator('[role=alert]', { hasText: t.profileProblems.scramUser }).waitFor()
  await dialog.getByLabel(t.username, { exact: true }).fill(ADMIN.username)
  await dialog.getByLabel(t.password, { exact: true }).fill(password)
  await dialog.getByRole('button', { name: t.saveAndConnect }).click()
}

browserSuite('SCRAM', (test) => {
  test('the password is proven, never sent; a message copied as a command is published by it', async ({
    page,
    problems,
    stage,
    t,
  }) => {
    const sent: string[] = []
    page.on('websocket', (socket) =>
      socket.on('framesent', ({ payload }) => sent.push(payload.toString())),
    )
    await connectByScram(page, t, ADMIN.password)
    await page.getByRole('status').filter({ hasText: t.statuses.online }).waitFor()
    assert.ok(sent.some((frame) => frame.includes('SCRAM-SHA-512')))
    assert.ok(sent.every((frame) => !frame.includes(ADMIN.password)))

    await subscribe(page, t, 'copy/#')
    await publish(page, t, 'copy/it', "it's $HOME")
    await row(page, 'copy/it').first().click()
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await page.locator('.detail-pane').getByRole('button', { name: t.copyCommand }).click()
    const command = await page.evaluate<string>('navigator.clipboard.readText()')
    assert.match(command, / --scram sha-512 -u boss -P "\$MQTT_PASSWORD" /)
    await run('sh', ['-c', `mozzie() { '${process.execPath}' bin/mozzie "$@"; }; ${command}`], {
      env: { ...process.env, MQTT_PASSWORD: ADMIN.password },
    })
    await row(page, "it's $HOME").nth(2).waitFor()
    assert.deepEqual(problems, [])
    assert.ok(stage.broker.port > 0)
  })

  test(
    'a wrong password stops and asks (zh-CN)',
    async ({ page, t }) => {
      await connectByScram(page, t, 'wrong')
      const said = page.locator('.status-bar [role=alert]')
      await said.waitFor()
      assert.doesNotMatch(await said.innerText(), /refused|uthorized/, 'said once, in one language')
      await page.locator('.connect-help').getByLabel(t.password, { exact: true }).waitFor()
      await page
        .locator('.connect-help')
        .getByLabel(t.password, { exact: true })
        .fill(ADMIN.password)
      await page.locator('.connect-help button[type=submit]').click()
      await page.getByRole('status').filter({ hasText: t.statuses.online }).waitFor()
    },
    { locale: 'zh-CN' },
  )
})
