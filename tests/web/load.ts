/** Many messages a second at a page, and what that does to it. */
import type { Browser } from 'playwright-core'
import { waitMsMax } from '../support/patience.ts'
import { watchMainThread } from './main-thread.ts'
import { visit, type Stage } from './stage.ts'

export interface LoadOptions {
  readonly perSecond: number
  readonly seconds: number
  readonly topics: number
  /** What is looked at meanwhile. */
  readonly view: 'Table' | 'Latest per topic'
  /** Another search every second: all that is kept is looked through anew. */
  readonly searches: boolean
}

export interface LoadFigures {
  readonly published: number
  /** Counted on the screen. */
  readonly received: number
  readonly madeRoom: number
  readonly sampledOut: number
  /** QoS 0 messages that the broker did not give to a receiver that was too slow; it counts them. */
  readonly droppedByBroker: number
  readonly frameP95Ms: number
  readonly frameWorstMs: number
  /** CPU time of the page's own thread. */
  readonly cpuMs: number
  /** From a click or a key until its handler runs. */
  readonly inputDelayP95Ms: number
  /** MiB of the page's JavaScript heap: the mean of the second and of the last quarter of the run. */
  readonly heapEarlyMiB: number
  readonly heapLateMiB: number
  /** Per second, as it came about. */
  readonly rate: number
}

const TICK_MS = 10
const SEARCHES = ['$.value>50', 'topic:load/zone3/#', 'device7', '"seq":12', '/value":9\\d/', '']
/** What is late is made up for in portions. */
const BURST_MAX = 5000
const PAYLOAD =
  ',"unit":"C","site":"warehouse-7","ok":true,"note":"some sixty bytes of other fields of a device"}'

/** In the page: the time between frames, and how late events reach their handlers. */
const PROBE = `
  globalThis.frames = []; globalThis.delays = [];
  let last = performance.now();
  const onFrame = (now) => { frames.push(now - last); last = now; requestAnimationFrame(onFrame) };
  requestAnimationFrame(onFrame);
  for (const kind of ['pointerdown', 'keydown'])
    addEventListener(kind, (event) => delays.push(performance.now() - event.timeStamp), true);
`

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

/** Publishes at the pace of the clock, catching up when a tick was late; resolves to the number of messages. */
async function publishAtPace(
  stage: Stage,
  { perSecond, seconds, topics }: LoadOptions,
): Promise<number> {
  const client = await stage.connect(`load-${perSecond}-${topics}-${Math.random()}`)
  const total = perSecond * seconds
  const start = performance.now()
  let sent = 0
  while (sent < total) {
    const byClock = Math.floor(((performance.now() - start) * perSecond) / 1000)
    const due = Math.min(total, byClock, sent + BURST_MAX)
    let last: Promise<unknown> | null = null
    for (; sent < due; sent++) {
      const topic = `load/zone${sent % 10}/device${sent % topics}/state`
      last = client.publish(topic, `{"value":${(sent % 1000) / 10},"seq":${sent}${PAYLOAD}`)
    }
    // The last one settles when the network has taken them: no more is piled up than it takes.
    await last
    await new Promise((resolve) => setTimeout(resolve, TICK_MS))
  }
  await client.end()
  return total
}

/** What the broker says of it in `$SYS`, every second. */
async function watchDropped(stage: Stage): Promise<{ count(): number; end(): Promise<void> }> {
  const client = await stage.connect('reads-the-figures')
  let count = 0
  await client.subscribe('$SYS/broker/publish/messages/dropped', {
    onMessage: (message) => {
      count = Number(message.text())
    },
  })
  return { count: () => count, end: () => client.end() }
}

export async function measureLoad(
  browser: Browser,
  stage: Stage,
  options: LoadOptions,
): Promise<LoadFigures> {
  const { page, close } = await visit(browser, stage.url)
  await page.locator('.welcome .button.is-primary').click()
  await page.locator('.dot.is-online').first().waitFor()
  await page.getByLabel('Topic filter', { exact: true }).first().fill('load/#')
  await page.locator('.add-subscription button[type=submit]').click()
  await page.locator('.subscription.is-granted').waitFor()
  await page.getByRole('tab', { name: /Topics/ }).click()
  await page.getByRole('tab', { name: options.view, exact: true }).click()
  const thread = await watchMainThread(page)
  const heaps: number[] = []
  await page.evaluate(PROBE)
  const state = { done: false }
  const publishing = publishAtPace(stage, options).finally(() => (state.done = true))
  const started = performance.now()
  const cpuStartMs = await thread.cpuMs()
  for (let turn = 0; !state.done; turn++) {
    await page.waitForTimeout(500)
    heaps.push(await thread.heapMiB())
    // Somebody works with it meanwhile: selects a row, goes on to the next, searches.
    if (options.searches && turn % 2 === 1)
      await page.getByLabel('Search messages').fill(SEARCHES[(turn >> 1) % SEARCHES.length] ?? '')
    else if (turn % 2 === 0) await page.mouse.click(500, 300)
    else await page.keyboard.press('ArrowDown')
  }
  const published = await publishing
  const rate = published / ((performance.now() - started) / 1000)
  const read = async (name: string) => {
    const found = page.locator(`[data-${name}]`)
    return (await found.count()) === 0 ? 0 : Number(await found.getAttribute(`data-${name}`))
  }
  const dropped = await watchDropped(stage)
  for (const endMs = performance.now() + waitMsMax; performance.now() < endMs;) {
    if ((await read('received')) + dropped.count() >= published) break
    await page.waitForTimeout(100)
  }
  const cpuMs = (await thread.cpuMs()) - cpuStartMs
  const { frames, delays } = await page.evaluate<{ frames: number[]; delays: number[] }>(
    '({ frames, delays })',
  )
  const quarter = Math.floor(heaps.length / 4)
  const mean = (values: number[]) =>
    values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)
  const figures: LoadFigures = {
    published,
    received: await read('received'),
    madeRoom: await read('made-room'),
    sampledOut: await read('sampled-out'),
    droppedByBroker: dropped.count(),
    cpuMs,
    frameP95Ms: percentile(frames, 0.95),
    frameWorstMs: Math.max(...frames),
    inputDelayP95Ms: percentile(delays, 0.95),
    heapEarlyMiB: mean(heaps.slice(quarter, 2 * quarter)),
    heapLateMiB: mean(heaps.slice(-quarter)),
    rate,
  }
  await dropped.end()
  await close()
  return figures
}
