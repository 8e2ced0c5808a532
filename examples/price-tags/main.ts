/** `npm run example:price-tags`: a chain of shops with electronic price tags on this machine. */
import { articleOf, csvOf } from './model/articles.ts'
import { flash, get, post, usageOf, type FlashReport } from './flash.ts'
import { HELP, readOptions, type Options } from './options.ts'
import { startWorld, type World } from './world.ts'

const say = (text: string): void => void process.stdout.write(`${text}\n`)

async function main(options: Options): Promise<void> {
  const { stores, apsPerStore, tagsPerAp } = options.fleet
  const aps = stores * apsPerStore
  say(`${stores} stores, ${aps} access points, ${aps * tagsPerAp} tags: starting.`)
  const world = await startWorld(options)
  say(`Broker, service (${world.database}) and shops are up.`)
  if (options.flash) {
    await figures(world, options)
    return world.stop()
  }
  const stop = (): void => void world.stop().then(() => process.exit())
  process.once('SIGINT', stop).once('SIGTERM', stop)
  void world.broken.then(async (name) => {
    console.error(`The ${name} has ended, and so does the rest.`)
    await world.stop()
    process.exit(1)
  })
  const skus = Array.from({ length: apsPerStore * tagsPerAp }, (_, at) => articleOf(at + 1))
  say(`The shelves: ${world.address}/   (Ctrl-C stops)`)
  const known = (await get(world, '/api/changes')) as unknown[]
  if (known.length === 0) await post(world, '/api/changes?label=opening', csvOf(skus))
}

async function figures(world: World, options: Options): Promise<void> {
  const { connected } = await world.simulator()
  say(`${connected} access points are connected over TLS.`)
  say(`\nA flash change, tags awake:\n${lineOf(await flash(world, options, 20))}`)
  const trouble = { drop: 0.1, downMs: 1500, killAfterMs: 700 }
  say(
    `\nAnother, while 10 % of the access points drop and the broker is killed (kill -9) ${trouble.killAfterMs} ms after the order:`,
  )
  say(lineOf(await flash(world, options, 30, trouble)))
  say('\nprocess     CPU        memory')
  for (const [name, { cpuMs, rssBytes }] of Object.entries(await usageOf(world)))
    say(`${name.padEnd(11)} ${seconds(cpuMs).padEnd(10)} ${Math.round(rssBytes / 1e6)} MB`)
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

function lineOf({ tasks, shown, named, lastTagMs, lastTaskMs, cpuMs }: FlashReport): string {
  const reasons = Object.entries(named).map(([reason, count]) => `  ${count} failed: ${reason}`)
  const lost = tasks - shown - Object.values(named).reduce((sum, count) => sum + count, 0)
  return [
    `  ${tasks} tags ordered, ${shown} shown; the last tag after ${seconds(lastTagMs)}, the last task closed after ${seconds(lastTaskMs)}`,
    ...reasons,
    `  ${lost} forgotten`,
    `  CPU: ${Object.entries(cpuMs)
      .map(([name, ms]) => `${name} ${seconds(ms)}`)
      .join(', ')}`,
  ].join('\n')
}

try {
  const options = readOptions(process.argv.slice(2))
  if (options === null) say(HELP)
  else await main(options)
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
}
