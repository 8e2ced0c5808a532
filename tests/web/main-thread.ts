/** What the page's own thread has computed, in CPU time: other work of the machine is not in it. */
import type { Page } from 'playwright-core'

export interface MainThread {
  /** CPU time of its tasks so far. */
  cpuMs(): Promise<number>
  heapMiB(): Promise<number>
}

export async function watchMainThread(page: Page): Promise<MainThread> {
  const devtools = await page.context().newCDPSession(page)
  await devtools.send('Performance.enable', { timeDomain: 'threadTicks' })
  const metric = async (wanted: string): Promise<number> => {
    const { metrics } = await devtools.send('Performance.getMetrics')
    return metrics.find(({ name }) => name === wanted)?.value ?? 0
  }
  return {
    cpuMs: async () => (await metric('TaskDuration')) * 1000,
    heapMiB: async () => (await metric('JSHeapUsedSize')) / 2 ** 20,
  }
}
