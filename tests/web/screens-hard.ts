/** States of brokers in a hard place: several threads, one that hangs, a full disk, a payload of 20 MB, a cluster that loses a node. Each with its own broker. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '../../src/client/node.ts'
import { en as english } from '../../web/src/broker/words-en.ts'
import { zh as chinese } from '../../web/src/broker/words-zh.ts'
import { zh } from '../../web/src/i18n/zh.ts'
import { ADMIN as CLUSTER_ADMIN, startBrokers } from '../cluster/brokers.ts'
import { skipNats, startNats } from '../cluster/nats-servers.ts'
import { mountSmallDisk, unmount } from '../support/small-disk.ts'
import { connectHere, openPart, publish, row, subscribe } from './acts.ts'
import { login, startStage, type Stage } from './stage.ts'
import { pane, type Tour } from './tour.ts'

type Part = (tour: Tour) => Promise<void>

/** A broker, or the first of some, and what is to be seen of it. */
export interface Scene {
  readonly stage: Pick<Stage, 'httpPort' | 'connect' | 'close'>
  readonly parts: readonly Part[]
}

const wordsOf = ({ t }: Tour) => (t === zh ? chinese : english)

async function toBroker({ page, t }: Tour, who?: Parameters<typeof login>[2]): Promise<void> {
  await page.getByRole('tab', { name: t.broker, exact: true }).click()
  await login(page, t, who)
}

/** Two threads; then it hangs: on the dashboard, on a part that has asked nothing, and for a client. */
export async function hangingScene(): Promise<Scene> {
  const stage = await startStage(['thread_count 2'])
  const threads: Part = async (tour) => {
    const { page, see } = tour
    await stage.connect('till-4')
    await toBroker(tour)
    await page.locator('.chart-plot canvas').first().waitFor()
    await see('threads-overview')
    await openPart(page, 'clients')
    await page.locator('.row-button', { hasText: 'till-4' }).click()
    await page.locator('.drawer dl').waitFor()
    await see('threads-client')
  }
  const large: Part = async (tour) => {
    const { page, t, shop, see } = tour
    await connectHere(page, t)
    await pane(tour, 0)
    await subscribe(page, t, 'big/#')
    const rows = Array.from({ length: 200_000 }, (_, at) => ({ id: at, text: 'x'.repeat(80) }))
    await shop.publish('big/json', JSON.stringify(rows), { qos: 1 })
    await pane(tour, 1)
    await row(page, 'big/json').waitFor()
    await shop.publish('big/bytes', new Uint8Array(20_000_000).fill(0xfe), { qos: 1 })
    await row(page, 'big/bytes').waitFor()
    await see('large-table')
    for (const name of ['json', 'bytes']) {
      await row(page, `big/${name}`).click()
      const shown = name === 'json' ? '.tok-number' : 'pre.is-hex'
      await page.locator(`.detail-pane ${shown}`).first().waitFor()
      await page.locator('.part-note').waitFor()
      await see(`large-${name}`)
      await pane(tour, 1)
    }
  }
  const hanging: Part = async (tour) => {
    const { page, t, see } = tour
    await connectHere(page, t)
    await pane(tour, 3)
    await page.locator('.publish-dock').getByLabel('QoS').selectOption('1')
    await toBroker(tour)
    await openPart(page, 'why')
    await page.locator('.broker-page input').first().waitFor()
    stage.broker.signal('SIGSTOP')
    try {
      await page.locator('.reach-banner.is-gone').waitFor()
      await see('hanging-why')
      await openPart(page, 'clients')
      await see('hanging-clients')
      await page.getByRole('tab', { name: t.client, exact: true }).click()
      await publish(page, t, 'hanging/a', 'x')
      await page.locator('.status-bar .problem').waitFor()
      await page.locator('.publish-foot').getByText(t.notConfirmed).waitFor()
      await see('hanging-client')
    } finally {
      stage.broker.signal('SIGCONT')
    }
  }
  return { stage, parts: [threads, large, hanging] }
}

/** A disk without space. null: none can be mounted here. */
export async function fullScene(): Promise<Scene | null> {
  const directory = mkdtempSync(join(tmpdir(), 'mozzie-full-'))
  const disk = join(directory, 'disk')
  const clear = () => rmSync(directory, { recursive: true, force: true })
  if (!mountSmallDisk(disk)) {
    clear()
    return null
  }
  writeFileSync(join(disk, 'ballast'), Buffer.alloc(36 << 20))
  const stage = await startStage([
    'persistence true',
    `persistence_location ${disk}`,
    'max_queued_messages 0',
    'max_queued_bytes 0',
    'memory_limit 0',
  ])
  const full: Part = async (tour) => {
    const { page, t, shop, see } = tour
    const url = `mqtt://127.0.0.1:${stage.broker.port}`
    const reader = await connect(url, { clientId: 'reader', sessionExpirySeconds: 600 })
    await reader.subscribe('q/#', { qos: 1, onMessage: () => {} })
    await reader.end()
    const fill = async () => {
      for (;;) await shop.publish('q/1', randomBytes(100_000), { qos: 1 })
    }
    await fill().catch(() => {})
    await connectHere(page, t)
    await pane(tour, 3)
    await page.locator('.publish-dock').getByLabel('QoS').selectOption('1')
    await publish(page, t, 'q/1', 'x')
    await page.locator('.publish-foot .problem').waitFor()
    await see('full-publish')
    await toBroker(tour)
    await page.getByRole('alert').getByText(wordsOf(tour).troubles.storeFull).waitFor()
    await page.locator('.chart-plot canvas').first().waitFor()
    await see('full-overview')
  }
  const close = async () => {
    await stage.close()
    unmount(disk)
    clear()
  }
  return { stage: { ...stage, close }, parts: [full] }
}

/** Three brokers, of which one falls silent, and is gone. null: there is no nats-server. */
export async function clusterScene(): Promise<Scene | null> {
  if (skipNats !== false) return null
  const nats = await startNats(1)
  const options = { count: 3, replicas: 1, leaseSeconds: 6, hasPages: true }
  const cluster = await startBrokers({ ...options, urls: nats.urls, cluster: 'shops' })
  const [first, second, third] = cluster.brokers
  if (first === undefined || second === undefined || third === undefined)
    throw new Error('three brokers were asked for')
  const connectTo = (port: number, clientId: string) =>
    connect(`mqtt://127.0.0.1:${port}`, { clientId, reconnect: false })
  const clients = await Promise.all([
    connectTo(second.port, 'scanner-7'),
    connectTo(third.port, 'till-4'),
  ])
  const seen: Part = async (tour) => {
    const { page, see } = tour
    const b = wordsOf(tour)
    await toBroker(tour, { username: CLUSTER_ADMIN.name, password: CLUSTER_ADMIN.password })
    const node = (name: string) => page.locator('.cluster').getByRole('row', { name })
    await node('b2').getByText(b.cluster.serves).waitFor()
    await see('cluster-overview')
    await openPart(page, 'clients')
    await page.locator('.row-button', { hasText: 'scanner-7' }).click()
    await page.locator('.drawer dl').waitFor()
    await see('cluster-client')
    await openPart(page, 'listeners')
    await page.getByText(b.cluster.ofOneNode('b0')).waitFor()
    await see('cluster-listeners')
    await openPart(page, 'overview')
    await node('b2').getByRole('button', { name: b.cluster.drain }).click()
    await page.getByRole('dialog').waitFor()
    await see('cluster-drain')
    await page.getByRole('dialog').getByRole('button', { name: b.cluster.drain }).click()
    await node('b2').getByText(b.cluster.draining).waitFor()
    await see('cluster-draining')
    second.freeze(true)
    await openPart(page, 'clients')
    await page.getByText(b.silentNodes(['b1'])).waitFor()
    await see('cluster-silent')
    await second.kill('SIGKILL')
    await openPart(page, 'overview')
    await node('b1')
      .getByText(/\d\d:\d\d:\d\d/)
      .waitFor()
    await see('cluster-gone')
  }
  const close = async () => {
    await Promise.all(clients.map((one) => one.end({ force: true })))
    await cluster.stop()
    await nats.stop()
  }
  const stage = {
    httpPort: first.httpPort,
    connect: (clientId: string) => connectTo(first.port, clientId),
    close,
  }
  return { stage, parts: [seen] }
}
