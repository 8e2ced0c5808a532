/** Attacks by load, by number: what each does, and what it may cost others. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'ws'
import * as make from '../support/packets.ts'
import { bytesOf, repeated, type Field } from './load-field.ts'

export interface Load {
  readonly id: string
  readonly attack: string
  /** What a bystander may wait for its PINGRESP, ms of the broker's CPU time. */
  readonly stallMsMax: number
  /** `memory_limit`, MB; 0: none is set. Resident memory stays within 120 % of it. */
  readonly limitMb: number
  /** MB of resident memory at most, where no limit is set. */
  readonly peakMbMax?: number
  /** More lines of the configuration. */
  readonly config?: string
  /** How much of it: in `npm test` (0: not there), and in `npm run attack`. */
  readonly small: number
  readonly full: number
  run(field: Field, size: number): Promise<void>
}

/** The lines of the broker's configuration. */
export function configOf({ limitMb, config = '' }: Load): string {
  return limitMb === 0 ? config : `memory_limit ${limitMb * 1_000_000}\n${config}`
}

/** MB of resident memory. */
export function peakMbMaxOf({ limitMb, peakMbMax = Infinity }: Load): number {
  return limitMb === 0 ? peakMbMax : limitMb * 1.2
}

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

/** Every filter of `levels` levels, each `a` or `+`. */
function plusFilters(levels: number): string[] {
  return range(2 ** levels).map((bits) =>
    range(levels)
      .map((level) => ((bits >> level) & 1 ? '+' : 'a'))
      .join('/'),
  )
}

async function subscribeAll(field: Field, filters: readonly string[], options = {}) {
  const attacker = await field.enter(options)
  for (let at = 0; at < filters.length; at += 500) {
    const some = filters.slice(at, at + 500).map((filter) => ({ filter }))
    await attacker.send(make.subscribe(1, some))
    await attacker.settle()
    if (attacker.closed) break
  }
  return attacker
}

/** Frames of a client, masked with zeros. */
function webFrame(payload: Uint8Array): Uint8Array {
  const head = Buffer.alloc(14)
  head[0] = 0x82
  head[1] = 0xff
  head.writeBigUInt64BE(BigInt(payload.length), 2)
  return Buffer.concat([head, payload])
}

async function openWeb(port: number): Promise<WebSocket> {
  const web = new WebSocket(`ws://127.0.0.1:${port}`, 'mqtt')
  web.on('error', () => {})
  await once(web, 'open')
  return web
}

async function floodByWeb(field: Field, groups: number, frames: number): Promise<void> {
  const filters = range(groups).map((group) => `$share/g${group}/t`)
  if (groups > 0) await subscribeAll(field, filters)
  const web = await openWeb(field.webPort)
  web.send(bytesOf([make.connect(5, { clientId: 'web' })]))
  await once(web, 'message')
  await field.begin()
  const publishes = repeated(bytesOf([make.publish('t', '')]), 2_000_000 - 100)
  for (let frame = 0; frame < frames; frame++) web.send(publishes)
  const pong = once(web, 'pong')
  web.ping()
  await Promise.race([pong, once(web, 'close'), sleep(8000)])
  assert.equal(web.readyState, WebSocket.OPEN, 'frames of a client that is in are taken')
  web.terminate()
}

/** Many clients in portions of a hundred. */
async function portions(count: number, one: (index: number) => Promise<void>): Promise<void> {
  for (let at = 0; at < count; at += 100)
    await Promise.all(range(Math.min(100, count - at)).map((index) => one(at + index)))
}

const level = (index: number, depth: number): string => (index * 7919 + depth * 31).toString(36)

export const loads: readonly Load[] = [
  {
    id: 'S88',
    attack: 'filters {a,+}^14 of one client, and PUBLISHes that match them all in a row',
    stallMsMax: 100,
    limitMb: 0,
    small: 13,
    full: 16,
    async run(field, levels) {
      await subscribeAll(field, plusFilters(levels))
      const attacker = await field.enter()
      const topic = range(levels)
        .fill(0)
        .map(() => 'a')
        .join('/')
      await field.begin()
      await attacker.write(repeated(bytesOf([make.publish(topic, '')]), 65_536))
      await sleep(3000)
    },
  },
  {
    id: 'S89',
    attack: '64 KB of PUBLISH into 20,000 own shared groups',
    stallMsMax: 100,
    limitMb: 0,
    small: 5000,
    full: 20_000,
    async run(field, groups) {
      const attacker = await subscribeAll(
        field,
        range(groups).map((group) => `$share/g${group}/t`),
      )
      await field.begin()
      await attacker.write(repeated(bytesOf([make.publish('t', '')]), 65_536))
      await sleep(3000)
    },
  },
  {
    id: 'S90',
    attack: 'WebSocket frames of 2 MB, full of PUBLISH',
    stallMsMax: 100,
    limitMb: 0,
    small: 0,
    full: 10,
    run: (field, frames) => floodByWeb(field, 0, frames),
  },
  {
    id: 'S91',
    attack: 'the same into 100 shared groups',
    stallMsMax: 100,
    limitMb: 0,
    small: 1,
    full: 4,
    run: (field, frames) => floodByWeb(field, 100, frames),
  },
  {
    id: 'S92',
    attack: '300 clients ask for # with 100,000 messages retained',
    stallMsMax: 100,
    limitMb: 0,
    small: 20000,
    full: 100_000,
    async run(field, retained) {
      const author = await field.enter()
      for (let at = 0; at < retained; at += 500)
        await author.send(
          ...range(500).map((index) => make.publish(`r/${at + index}`, 'x', { retain: true })),
        )
      await author.settle()
      const readers = await Promise.all(range(300).map(() => field.enter()))
      await field.begin()
      for (const reader of readers) void reader.send(make.subscribe(1, [{ filter: '#' }]))
      await sleep(4000)
    },
  },
  {
    id: 'S93',
    attack: '5,000 clients with wills are reset at once',
    stallMsMax: 100,
    limitMb: 0,
    small: 0,
    full: 5000,
    async run(field, clients) {
      const reader = await field.enter()
      await reader.send(make.subscribe(1, [{ filter: 'will/#' }]))
      const mortals = await Promise.all(
        range(clients).map((index) =>
          field.enter({ will: { topic: `will/${index}`, payload: 'gone' } }),
        ),
      )
      await field.begin()
      for (const { socket } of mortals) socket.resetAndDestroy()
      await sleep(1500)
    },
  },
  {
    id: 'S94',
    attack: 'one QoS 1 PUBLISH to 50,000 sessions whose clients are away',
    stallMsMax: 200,
    limitMb: 0,
    config: 'persistence true\npersistence_file store',
    small: 0,
    full: 50_000,
    async run(field, sessions) {
      await portions(sessions, async (index) => {
        const sleeper = await field.enter({
          clientId: `s${index}`,
          properties: { sessionExpirySeconds: 3600 },
        })
        await sleeper.send(make.subscribe(1, [{ filter: 'all', qos: 1 }]), make.disconnect())
        if (!sleeper.closed) await once(sleeper.socket, 'close')
      })
      const author = await field.enter()
      await field.begin()
      const before = author.received
      await author.send(make.publish('all', 'wake up', { qos: 1 }))
      while (author.received === before) await sleep(5)
      await sleep(1000)
    },
  },
  {
    id: 'S95',
    attack: 'memory stays above 80 % of memory_limit, and nothing happens',
    stallMsMax: 100,
    limitMb: 1000,
    small: 0,
    full: 880,
    async run(field, retainedMb) {
      const author = await field.enter()
      const payload = new Uint8Array(400)
      const perMb = 1000
      for (let at = 0; at < retainedMb; at++)
        await author.send(
          ...range(perMb).map((index) =>
            make.publish(`m/${at}/${index}`, payload, { retain: true }),
          ),
        )
      await author.settle()
      await sleep(2000)
      await field.begin()
      await sleep(retainedMb > 500 ? 25_000 : 3000)
    },
  },
  {
    id: 'S96',
    attack: 'filters of 200 levels of four clients',
    stallMsMax: 100,
    limitMb: 400,
    small: 8,
    full: 121,
    async run(field, totalMb) {
      await Promise.all(
        range(4).map(async (client) => {
          const attacker = await field.enter()
          const packets = Math.ceil((totalMb * 1_000_000) / 4 / 60_000)
          for (let packet = 0; packet < packets && !attacker.closed; packet++) {
            const filters = range(60).map((filter) => {
              const first = `${client}x${packet * 60 + filter}`
              return {
                filter: `+/${first}${range(197)
                  .map((depth) => `/${level(filter, depth)}`)
                  .join('')}`,
              }
            })
            await attacker.send(make.subscribe(1, filters))
            if (packet % 16 === 0) await attacker.settle()
          }
          await attacker.settle()
        }),
      )
      await sleep(1500)
    },
  },
  {
    id: 'S97',
    attack: '100,000 filters of one client, of 50 levels each',
    stallMsMax: 100,
    limitMb: 400,
    small: 0,
    full: 100_000,
    async run(field, filters) {
      const attacker = await field.enter()
      for (let at = 0; at < filters && !attacker.closed; at += 200) {
        const some = range(200).map((filter) => ({
          filter: `+/${at + filter}${range(48)
            .map((depth) => `/${level(at + filter, depth)}`)
            .join('')}`,
        }))
        await attacker.send(make.subscribe(1, some))
        await attacker.settle()
      }
      await sleep(1500)
    },
  },
  {
    id: 'S98',
    attack: '500 PUBLISHes of 2 MB that are never finished',
    stallMsMax: 100,
    limitMb: 200,
    small: 200,
    full: 500,
    async run(field, clients) {
      const begun = bytesOf([make.publish('t', new Uint8Array(1_990_000))]).subarray(0, 1_980_000)
      await portions(clients, async () => {
        const attacker = await field.enter()
        if (attacker.closed) return
        await attacker.write(begun)
      })
      await sleep(2000)
    },
  },
  {
    id: 'S99',
    attack: 'topic aliases of 60 KB of 800 clients',
    stallMsMax: 100,
    limitMb: 200,
    small: 300,
    full: 800,
    async run(field, clients) {
      await portions(clients, async (client) => {
        const attacker = await field.enter()
        for (const alias of range(10)) {
          const topic = `${client}/${alias}/`.padEnd(60_000, 'x')
          await attacker.send(make.publish(topic, '', { properties: { topicAlias: alias + 1 } }))
        }
      })
      await sleep(2000)
    },
  },
  {
    id: 'S100',
    attack: 'QoS 2 messages of 40 clients that release none',
    stallMsMax: 100,
    limitMb: 200,
    small: 30,
    full: 40,
    async run(field, clients) {
      await Promise.all(
        range(clients).map(async () => {
          const attacker = await field.enter()
          for (const packetId of range(19)) {
            const payload = new Uint8Array(1_500_000)
            await attacker.send(make.publish('t', payload, { qos: 2, packetId: packetId + 1 }))
          }
          await attacker.settle()
        }),
      )
      await sleep(1500)
    },
  },
  {
    id: 'S101',
    attack: '400 WebSocket connections that fill what one may hold before it logs in',
    stallMsMax: 100,
    limitMb: 0,
    peakMbMax: 200,
    small: 100,
    full: 400,
    async run(field, clients) {
      const packet = new Uint8Array(100_000)
      // As long as a CONNECT may be.
      packet.set([0x10, 0x9c, 0x8d, 0x06])
      const begun = webFrame(packet).subarray(0, 99_000)
      const all = await Promise.all(range(clients).map(() => openWeb(field.webPort)))
      await field.begin()
      for (const web of all)
        (web as unknown as { _socket: NodeJS.WritableStream })._socket.write(begun)
      await sleep(4000)
      for (const web of all) web.terminate()
    },
  },
  {
    id: 'S102',
    attack: '5,000 clients with wills of 60 KB',
    stallMsMax: 100,
    limitMb: 200,
    small: 0,
    full: 5000,
    async run(field, clients) {
      const payload = new Uint8Array(60_000)
      await portions(
        clients,
        async (index) => void (await field.enter({ will: { topic: `w/${index}`, payload } })),
      )
      await sleep(1500)
    },
  },
  {
    id: 'S103',
    attack: '300 subscribers that never read',
    stallMsMax: 100,
    limitMb: 200,
    small: 0,
    full: 300,
    async run(field, clients) {
      const author = await field.enter()
      const all = await Promise.all(
        range(clients).map(async (index) => {
          const reader = await field.enter()
          await reader.send(make.subscribe(1, [{ filter: `t/${index}`, qos: 1 }]))
          await reader.settle()
          reader.socket.pause()
          return reader
        }),
      )
      let packetId = 0
      for (let round = 0; round < 20; round++)
        for (const index of range(all.length)) {
          packetId = (packetId % 60_000) + 1
          await author.send(
            make.publish(`t/${index}`, new Uint8Array(200_000), { qos: 1, packetId }),
          )
        }
      await author.settle()
      await sleep(1500)
    },
  },
  {
    id: 'S104',
    attack: 'sessions by the ten thousand, each left behind at once',
    stallMsMax: 100,
    limitMb: 150,
    small: 0,
    full: 30_000,
    async run(field, sessions) {
      await portions(sessions, async (index) => {
        const sleeper = await field.enter({
          clientId: `left-behind-${index}`.padEnd(1000, 'x'),
          properties: { sessionExpirySeconds: 3600 },
        })
        await sleeper.send(make.disconnect())
      })
      await sleep(1500)
    },
  },
  {
    id: 'S105',
    attack: 'retained messages whose topics have 200 levels',
    stallMsMax: 100,
    limitMb: 200,
    small: 0,
    full: 60_000,
    async run(field, count) {
      const author = await field.enter()
      for (let at = 0; at < count; at += 50) {
        await author.send(
          ...range(50).map((index) =>
            make.publish(
              `${at + index}${range(198)
                .map((depth) => `/${level(at, depth)}`)
                .join('')}`,
              'x',
              { retain: true },
            ),
          ),
        )
      }
      await author.settle()
      await sleep(1500)
    },
  },
  {
    id: 'S106',
    attack: 'a PUBLISH of 2 MB to 1,000 subscribers',
    stallMsMax: 100,
    limitMb: 0,
    small: 300,
    full: 1000,
    async run(field, subscribers) {
      await portions(subscribers, async () => {
        const reader = await field.enter()
        await reader.send(make.subscribe(1, [{ filter: 'large' }]))
        await reader.settle()
      })
      const author = await field.enter()
      await field.begin()
      await author.send(make.publish('large', new Uint8Array(1_990_000)))
      await sleep(subscribers * 5)
    },
  },
  {
    id: 'S107',
    attack: 'WebSocket frames of 2 MB of 200 clients at once',
    stallMsMax: 100,
    limitMb: 0,
    small: 0,
    full: 200,
    async run(field, clients) {
      const publish = bytesOf([make.publish('t', new Uint8Array(1_990_000))])
      const all = await Promise.all(
        range(clients).map(async (client) => {
          const web = await openWeb(field.webPort)
          web.send(bytesOf([make.connect(5, { clientId: `web${client}` })]))
          await once(web, 'message')
          return web
        }),
      )
      await field.begin()
      for (const web of all) web.send(publish)
      await sleep(4000)
      for (const web of all) web.terminate()
    },
  },
]
