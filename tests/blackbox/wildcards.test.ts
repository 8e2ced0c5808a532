import { behaviours, type Proves } from '../support/behaviour.ts'
import { subscribe } from '../support/packets.ts'

const behaviour = behaviours('wildcards and topics')

/** Filter, then the names below the test's topic that match, then those that do not. */
const MATCHES: [filter: string, matching: string[], others: string[]][] = [
  ['/a/b', ['/a/b'], ['/a', '/a/b/c', '/A/b', '//a/b', '/a/b/']],
  ['/#', ['', '/', '/a', '/a/b/c', '//'], ['x', 'x/a']],
  ['/a/#', ['/a', '/a/', '/a/b', '/a/b/c'], ['', '/b', '/ab']],
  ['/+', ['/a', '/'], ['', '/a/b', '//']],
  ['/+/b', ['/a/b', '//b'], ['/b', '/a/b/c']],
  ['/+/+', ['/a/b', '//', '/a/'], ['/a', '/a/b/c']],
  ['/a/+/c/#', ['/a/b/c', '/a/b/c/d', '/a//c'], ['/a/c', '/a/b/x']],
]

/** Every name is published; the matching ones arrive, in order, and nothing else. */
function matching(filter: string, names: string[], others: string[], proves: Proves): void {
  behaviour(
    `the filter T${filter} takes what it matches and nothing else`,
    proves,
    async (scene) => {
      const below = (rest: string) => `${scene.topic}${rest}`
      const subscriber = await scene.connect()
      await subscriber.subscribe(below(filter))
      const publisher = await scene.connect()
      for (const name of others) await publisher.publish(below(name), name)
      for (const name of names) await publisher.publish(below(name), name)
      for (const name of names) await subscriber.expect('publish', { topic: below(name) })
      await subscriber.expectNothing()
    },
  )
}

for (const [filter, names, others] of MATCHES)
  matching(filter, names, others, { v3: '', v4: '', v5: '' })

behaviour(
  '# takes its parent level and every level below',
  { v3: '', v4: '[MQTT-4.7.1-2] [MQTT-3.8.3-2]', v5: '[MQTT-4.7.1-1]' },
  async ({ connect, topic }) => {
    const subscriber = await connect()
    await subscriber.subscribe(`${topic}/#`)
    const publisher = await connect()
    for (const below of ['', '/', '/a', '/a/b']) {
      await publisher.publish(`${topic}${below}`, 'x')
      await subscriber.expect('publish', { topic: `${topic}${below}` })
    }
    await publisher.publish(`${topic}x`, 'x')
    await subscriber.expectNothing()
  },
)

behaviour(
  '+ takes exactly one level, an empty one too',
  { v3: '', v4: '[MQTT-4.7.1-3] [MQTT-3.8.3-2]', v5: '[MQTT-4.7.1-2]' },
  async ({ connect, topic }) => {
    const subscriber = await connect()
    await subscriber.subscribe(`${topic}/+/c`)
    const publisher = await connect()
    for (const below of ['/c', '/a/b/c', '/a/c/']) await publisher.publish(`${topic}${below}`, 'x')
    await publisher.publish(`${topic}/a/c`, 'x')
    await publisher.publish(`${topic}//c`, 'x')
    await subscriber.expect('publish', { topic: `${topic}/a/c` })
    await subscriber.expect('publish', { topic: `${topic}//c` })
    await subscriber.expectNothing()
  },
)

behaviour(
  'filters that start with a wildcard do not take names that start with $',
  { v3: '', v4: '[MQTT-4.7.2-1]', v5: '[MQTT-4.7.2-1]' },
  async ({ connect, topic }) => {
    const subscriber = await connect()
    await subscriber.subscribe([
      { filter: '#' },
      { filter: '+/#' },
      { filter: `+/${topic}` },
      { filter: '+/monitor/#' },
    ])
    const publisher = await connect()
    await publisher.publish(`$own/${topic}`, 'hidden')
    await publisher.publish(topic, 'seen')
    // `#` sees other tests' messages and retained ones too; what counts is that no name starts with $.
    for (;;) {
      const { topic: name } = await subscriber.expect('publish')
      if (name.startsWith('$')) throw new Error(`a wildcard took ${name}`)
      if (name === topic) break
    }
  },
)

behaviour(
  'a filter that names the level with $ takes it',
  { v3: '', v4: '[MQTT-4.7.2-1]', v5: '[MQTT-4.7.2-1]' },
  async ({ connect, topic }) => {
    const subscriber = await connect()
    await subscriber.subscribe(`$own/${topic}/#`)
    await (await connect()).publish(`$own/${topic}/a`, 'x')
    await subscriber.expect('publish', { topic: `$own/${topic}/a` })
  },
)

behaviour(
  'the state of the broker is found below $SYS',
  { v3: '', v4: '', v5: '' },
  async ({ connect }) => {
    const client = await connect()
    await client.subscribe('$SYS/broker/version')
    await client.expect('publish', { topic: '$SYS/broker/version', retain: true })
  },
)

const INVALID = ['a/#/b', 'a#', '#a', 'a/b#', 'a/#b', '+a', 'a+', 'a/+b', 'a/b+/c', '##', '++', '']

behaviour(
  'SUBSCRIBE with a filter that breaks the rules ends the connection',
  {
    v3: '',
    v4: '[MQTT-4.7.1-2] [MQTT-4.7.1-3] [MQTT-4.7.3-1]',
    v5: '[MQTT-4.7.1-1] [MQTT-4.7.1-2] [MQTT-4.7.3-1]',
  },
  async ({ connect }) => {
    for (const filter of INVALID) {
      const client = await connect()
      client.send(subscribe(1, [{ filter }]))
      await client.expectDropped(0x81)
    }
  },
)

behaviour(
  'UNSUBSCRIBE with a filter that breaks the rules ends the connection',
  { v3: '', v4: '[MQTT-4.7.1-2] [MQTT-4.7.3-1]', v5: '[MQTT-4.7.1-1] [MQTT-4.7.3-1]' },
  async ({ connect }) => {
    for (const filter of ['a/#/b', '+a', '']) {
      const client = await connect()
      client.send({ type: 10, packetId: 1, filters: [filter], properties: {} })
      await client.expectDropped(0x81)
    }
  },
)

behaviour(
  'PUBLISH to a name with a wildcard ends the connection',
  { v3: '', v4: '[MQTT-3.3.2-2] [MQTT-4.7.1-1]', v5: '[MQTT-3.3.2-2] [MQTT-4.7.0-1]' },
  async ({ connect, topic }) => {
    for (const name of ['#', '+', `${topic}/#`, `${topic}/+/x`, `${topic}x+`]) {
      const client = await connect()
      client.send(publishTo(name))
      await client.expectDropped(0x81)
    }
  },
)

behaviour(
  'PUBLISH to an empty name ends the connection',
  { v3: '', v4: '[MQTT-4.7.3-1]' },
  async ({ connect }) => {
    const client = await connect()
    client.send(publishTo(''))
    await client.expectClosed()
  },
)

behaviour(
  'names and filters of 65,535 bytes are served',
  { v4: '[MQTT-4.7.3-3]', v5: '[MQTT-4.7.3-3]' },
  async ({ connect, topic }) => {
    const name = `${topic}/${'x'.repeat(65_535 - topic.length - 1)}`
    const subscriber = await connect()
    await subscriber.subscribe(name)
    await (await connect()).publish(name, 'x')
    await subscriber.expect('publish', { topic: name })
  },
)

behaviour(
  'names and filters of 200 separators are whole, those of more end the connection',
  { v3: '', v4: '', v5: '' },
  async ({ connect }) => {
    const client = await connect()
    const empty = '/'.repeat(200)
    await client.subscribe([{ filter: `${'+/'.repeat(200)}+` }, { filter: empty }])
    await client.publish(empty, 'x', { qos: 1 })
    await client.find('publish', { topic: empty })
    const deep = 'a/'.repeat(201)
    const publisher = await connect()
    publisher.send(publishTo(deep))
    await publisher.expectDropped(0x81)
    const subscriber = await connect()
    subscriber.send(subscribe(1, [{ filter: `${deep}#` }]))
    await subscriber.expectDropped(0x81)
  },
)

behaviour(
  'names that look like properties of an object are ordinary names',
  { v3: '', v4: '[MQTT-4.7.3-4]', v5: '[MQTT-4.7.3-4]' },
  async ({ connect, topic }) => {
    const names = ['__proto__', 'constructor/prototype', 'hasOwnProperty', 'toString']
    const subscriber = await connect()
    const publisher = await connect()
    for (const name of [...names, ...names.map((name) => `${topic}/${name}`)]) {
      await subscriber.subscribe(name)
      await publisher.publish(name, 'x')
      await subscriber.expect('publish', { topic: name })
    }
  },
)

function publishTo(topic: string) {
  const rest = { dup: false, qos: 0, retain: false, packetId: 0, properties: {} } as const
  return { type: 3, topic, payload: new Uint8Array(0), ...rest } as const
}
