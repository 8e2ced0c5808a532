/** A broker that is full: its dashboard says so, and what it refuses. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { randomBytes } from 'node:crypto'
import { connect, MqttError } from '../../src/client/node.ts'
import { en } from '../../web/src/broker/words-en.ts'
import { zh } from '../../web/src/broker/words-zh.ts'
import { mountSmallDisk, unmount } from '../support/small-disk.ts'
import { connectHere, publish } from './acts.ts'
import { violations } from './axe.ts'
import { login } from './stage.ts'
import { browserSuite } from './suite.ts'

/** Less than the process takes when it has started. */
const LIMIT_BYTES = 20 << 20

browserSuite(
  'the page of a broker that is short of memory',
  (test) => {
    for (const [locale, words] of [
      ['en-US', en],
      ['zh-CN', zh],
    ] as const)
      test(
        `says what is refused (${locale})`,
        async ({ page, t }) => {
          await page.getByRole('tab', { name: t.broker, exact: true }).click()
          await login(page, t)
          await page.getByRole('alert').getByText(words.troubles.memoryShed).waitFor()
        },
        { locale },
      )
  },
  [`memory_limit ${LIMIT_BYTES}`],
)

const QUOTA_EXCEEDED = 0x97
const directory = mkdtempSync(join(tmpdir(), 'mozzie-full-'))
const disk = join(directory, 'disk')

if (mountSmallDisk(disk)) {
  const ballast = join(disk, 'ballast')
  writeFileSync(ballast, Buffer.alloc(36 << 20))
  browserSuite(
    'the page of a broker whose disk is full',
    (test) => {
      after(() => {
        unmount(disk)
        rmSync(directory, { recursive: true, force: true })
      })
      test('says so, and that there is space again; a refused message says why', async ({
        page,
        stage,
        t,
      }) => {
        const url = `mqtt://127.0.0.1:${stage.broker.port}`
        const reader = await connect(url, { clientId: 'reader', sessionExpirySeconds: 600 })
        await reader.subscribe('q/#', { qos: 1, onMessage: () => {} })
        await reader.end()
        const writer = await stage.connect('writer')
        await assert.rejects(
          async () => {
            for (;;) await writer.publish('q/1', randomBytes(100_000), { qos: 1 })
          },
          (error) => error instanceof MqttError && error.reason === QUOTA_EXCEEDED,
        )
        await connectHere(page, t)
        await page.locator('.publish-dock').getByLabel('QoS').selectOption('1')
        await publish(page, t, 'q/1', 'x')
        await page.locator('.publish-foot .problem', { hasText: 'Quota exceeded' }).waitFor()
        await page.getByRole('tab', { name: t.broker, exact: true }).click()
        await login(page, t)
        const full = page.getByRole('alert').getByText(en.troubles.storeFull)
        await full.waitFor()
        assert.deepEqual(await violations(page, 'a full disk'), [])
        rmSync(ballast)
        await full.waitFor({ state: 'detached' })
      })
    },
    [
      'persistence true',
      `persistence_location ${disk}`,
      'max_queued_messages 0',
      'max_queued_bytes 0',
      'memory_limit 0',
    ],
  )
} else rmSync(directory, { recursive: true, force: true })
