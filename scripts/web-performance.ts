// npm run web-performance: the page under 10,000 and 50,000 messages a second, figures into docs/web-performance.md.
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { availableParallelism, loadavg } from 'node:os'
import { measureLoad, type LoadFigures, type LoadOptions } from '../tests/web/load.ts'
import { noBrowser, openBrowser, startStage } from '../tests/web/stage.ts'

if (noBrowser !== false) throw new Error(noBrowser)

const one = (value: number) => value.toFixed(1)
const seconds = Number(process.argv[2] ?? 60)
const RUNS: LoadOptions[] = [
  { perSecond: 10_000, seconds, topics: 1000, view: 'Table', searches: false },
  { perSecond: 10_000, seconds, topics: 1000, view: 'Table', searches: true },
  { perSecond: 10_000, seconds, topics: 50_000, view: 'Table', searches: false },
  {
    perSecond: 10_000,
    seconds: Math.ceil(seconds / 3),
    topics: 50_000,
    view: 'Latest per topic',
    searches: false,
  },
  {
    perSecond: 50_000,
    seconds: Math.ceil(seconds / 3),
    topics: 1000,
    view: 'Table',
    searches: false,
  },
]

const count = (value: number) => value.toLocaleString('en')

function rowOf(
  { perSecond, topics, view, searches, seconds: length }: LoadOptions,
  figures: LoadFigures,
): string {
  const cells = [
    `${count(perSecond)}/s × ${length} s`,
    count(topics),
    searches ? `${view}, searched` : view,
    count(Math.round(figures.rate)),
    count(figures.published),
    count(figures.received),
    count(figures.droppedByBroker),
    count(figures.published - figures.received - figures.droppedByBroker),
    count(figures.sampledOut),
    one(figures.frameP95Ms),
    one(figures.frameWorstMs),
    one(figures.inputDelayP95Ms),
    `${one(figures.heapEarlyMiB)} → ${one(figures.heapLateMiB)}`,
  ]
  return `| ${cells.join(' | ')} |`
}

/** What else the machine was doing. */
const loadBefore = one(loadavg()[0] ?? 0)
const rows: string[] = []
for (const run of RUNS) {
  const [browser, stage] = await Promise.all([openBrowser(), startStage()])
  const figures = await measureLoad(browser, stage, run)
  await browser.close()
  await stage.close()
  rows.push(rowOf(run, figures))
  console.log(rows.at(-1))
}

const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
writeFileSync(
  'docs/web-performance.md',
  `# The graphical client under load

[中文](zh/web-performance.md)

Written by \`npm run web-performance\`, ${new Date().toISOString().slice(0, 10)}, commit ${commit}, ${availableParallelism()} cores, Node ${process.version}, headless Chromium without a GPU. Broker,
publisher and browser share the machine; its load average before the first run was ${loadBefore}.

One client publishes JSON of about 120 bytes by the clock; the page is subscribed to all of it, shows the topic tree beside the messages, and is worked with meanwhile: a click on
a row or a key every half second; where it is searched, another search every second.

| published | topics | view | per second in fact | messages | counted on the screen | dropped by the broker | lost uncounted | counted, not kept (sampling) | frame p95 ms | worst frame ms | input delay p95 ms | page heap MiB |
|---|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|
${rows.join('\n')}

- Wanted: a frame p95 of at most 20 ms, an input delay of at most 100 ms, no message lost without being counted on the screen, a flat heap.
- Frame: time from one animation frame to the next, 60 a second at best (16.7 ms). Input delay: from the event to its handler.
- Heap: the page's, mean of the second and of the last quarter of the run. Messages are in the worker, bounded by 64 MiB of payloads and 200,000 messages: what exceeds that makes room, and the status line
  counts it.
- Dropped by the broker: QoS 0 for a receiver that reads too slowly, bounded there and counted in its figures (*Broker*, Overview).
- Sampling: when the worker does not keep up, one message of n is kept for the list and the status line says so; all are counted.
`,
)
