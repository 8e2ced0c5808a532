/** "Why?" on the page: each link of the chain, with its evidence, in both languages, over sessions that lie on the disk. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after as afterAll } from 'node:test'
import type { WhyReply } from '../../src/admin/schemas-clients.ts'
import type { Check } from '../../src/admin/why-words.ts'
import { QUESTIONS } from '../../src/admin/why-words.ts'
import { connect } from '../../src/client/node.ts'
import { en } from '../../web/src/broker/words-en.ts'
import { questions as questionsZh } from '../../web/src/broker/why-zh.ts'
import * as packets from '../support/packets.ts'
import { RawClient } from '../support/raw-client.ts'
import { connectHere, openClient, openPart, publish as publishHere, row } from './acts.ts'
import { ADMIN, login, type Stage } from './stage.ts'
import { browserSuite } from './suite.ts'

const directory = mkdtempSync(join(tmpdir(), 'mozzie-why-'))
/** More than the browser and the clients of a test have. */
const CONNECTIONS_MAX = 60
const LIMITS = [
  'persistence true',
  `persistence_location ${directory}/`,
  'max_queued_messages 2',
  `max_connections_per_address ${CONNECTIONS_MAX}`,
]

interface Asked {
  readonly client?: string
  readonly topic?: string
}

type Row = [
  what: string,
  setUp: (stage: Stage) => Promise<Asked>,
  check: Check,
  answer: RegExp,
  evidence?: RegExp,
]

const at = ({ broker }: Stage) => `mqtt://127.0.0.1:${broker.port}`

/** A session that stays, with a subscription at this QoS, whose client is away. */
async function leaveSession(stage: Stage, clientId: string, filter: string, qos: 0 | 1) {
  const client = await connect(at(stage), { clientId, sessionExpirySeconds: 600 })
  await client.subscribe(filter, { qos, onMessage: () => {} })
  await client.end()
}

async function publish(stage: Stage, topic: string, count: number, messageExpirySeconds?: number) {
  const client = await connect(at(stage), { clientId: `p-${topic.replaceAll('/', '-')}` })
  const properties = messageExpirySeconds === undefined ? {} : { messageExpirySeconds }
  for (let sent = 0; sent < count; sent++) await client.publish(topic, 'x', { qos: 1, properties })
  await client.end()
}

/** A client with a will, whose connection breaks. */
async function breakWithWill(stage: Stage, clientId: string, topic: string) {
  const client = await connect(at(stage), { clientId, will: { topic, payload: 'gone' } })
  await client.end({ force: true })
}

async function connectFrom(stage: Stage, localAddress: string, clientId: string) {
  const client = await RawClient.open(stage.broker.port, 4, localAddress)
  client.send(packets.connect(4, { clientId }))
  await client.expect('connack')
}

const near = (filter: string, difference: RegExp): Row => [
  `the nearest subscription to why/price is ${filter}`,
  async (stage) => {
    const client = `near-${filter.replaceAll(/\W/g, '_')}`
    const made = await stage.connect(client)
    await made.subscribe(filter, { onMessage: () => {} })
    return { client, topic: 'why/price' }
  },
  'subscription',
  difference,
  new RegExp(`"${filter.replaceAll('+', '\\+')}"`),
]

const ROWS: Row[] = [
  [
    'a client that never connected',
    async () => ({ client: 'never-was' }),
    'known',
    /never connected/,
  ],
  [
    'a refused login: by whom, from where',
    async (stage) => {
      const wrong = { username: ADMIN.username, password: 'wrong', reconnect: false } as const
      await assert.rejects(connect(at(stage), { clientId: 'till-1', ...wrong }))
      return { client: 'till-1' }
    },
    'refused',
    /The broker refused it/,
    /from 127\.0\.0\.1:\d+, user boss/,
  ],
  near('why/Price', /only upper and lower case differ/),
  near('why/prise', /one character differs/),
  near('why/+/price', /an extra or a missing level/),
  near('why/ price', /an extra or a missing space/),
  [
    'the line of the rules that decides',
    async (stage) => {
      const client = await stage.connect('curious-1')
      await client.subscribe('#', { onMessage: () => {} })
      return { client: 'curious-1', topic: 'secret/plan' }
    },
    'rights',
    /The access rules deny it/,
    /rules:3.*secret\/#/,
  ],
  [
    'the QoS that a client is granted',
    async (stage) => {
      const client = await stage.connect('granted-1')
      await client.subscribe('granted/+', { qos: 1, onMessage: () => {} })
      return { client: 'granted-1', topic: 'granted/a' }
    },
    'qos',
    /At most QoS 1, as it requested\./,
  ],
  [
    'the retain flag as it was asked for',
    async (stage) => {
      const client = await stage.connect('flag-1')
      await client.subscribe('flag/a', { retainAsPublished: true, onMessage: () => {} })
      return { client: 'flag-1', topic: 'flag/a' }
    },
    'retainFlag',
    /it asked for Retain As Published/,
  ],
  [
    'the retain flag where nothing was asked for',
    async (stage) => {
      const client = await stage.connect('flag-0')
      await client.subscribe('flag/a', { onMessage: () => {} })
      return { client: 'flag-0', topic: 'flag/a' }
    },
    'retainFlag',
    /Only on what was retained before it subscribed/,
  ],
  [
    'a client that asked not to get its own messages',
    async (stage) => {
      const client = await stage.connect('own-1')
      await client.subscribe('own/a', { noLocal: true, onMessage: () => {} })
      return { client: 'own-1', topic: 'own/a' }
    },
    'ownMessages',
    /it subscribed with No Local/,
  ],
  [
    'a window that is full',
    async (stage) => {
      const client = await RawClient.open(stage.broker.port, 5)
      client.send(packets.connect(5, { clientId: 'window', properties: { receiveMaximum: 1 } }))
      await client.expect('connack')
      client.send(packets.subscribe(1, [{ filter: 'window/a', qos: 1 }]))
      await client.expect('suback')
      await publish(stage, 'window/a', 3)
      return { client: 'window' }
    },
    'queue',
    /It is not acknowledging: 1 message is in flight, the most allowed, and 2 more queued/,
    /window 1/,
  ],
  [
    'a client that is connected, and from where',
    async (stage) => {
      await stage.connect('here-1')
      return { client: 'here-1' }
    },
    'connected',
    /Yes\./,
    /from 127\.0\.0\.1:\d+/,
  ],
  [
    'what is retained for a topic',
    async (stage) => {
      const client = await stage.connect('keeps-1')
      await client.publish('retains/a', '1', { qos: 1, retain: true })
      return { topic: 'retains/a' }
    },
    'retained',
    /New subscribers receive it immediately/,
  ],
  [
    'what is retained, for a client that asked for none of it',
    async (stage) => {
      const client = await stage.connect('handles-2')
      await client.publish('handles/a', '1', { qos: 1, retain: true })
      await client.subscribe('handles/a', { retainHandling: 2, onMessage: () => {} })
      return { client: 'handles-2', topic: 'handles/a' }
    },
    'retained',
    /it is not sent to this client: it subscribed with Retain Handling 2/,
  ],
  [
    'subscribers whom the rules let read nothing of a topic',
    async (stage) => {
      const client = await stage.connect('curious-2')
      await client.subscribe('secret/#', { onMessage: () => {} })
      return { topic: 'secret/plan' }
    },
    'receivers',
    /the access rules let none of these clients receive the topic/,
  ],
  [
    'QoS 0 for a client that is away',
    async (stage) => {
      await leaveSession(stage, 'away-0', 'q0/+', 0)
      return { client: 'away-0', topic: 'q0/a' }
    },
    'qos',
    /QoS 0 messages are not queued for it/,
  ],
  [
    'a queue that was full, and what was dropped',
    async (stage) => {
      await leaveSession(stage, 'full-1', 'full/a', 1)
      await publish(stage, 'full/a', 5)
      return { client: 'full-1', topic: 'full/a' }
    },
    'queue',
    /3 messages were dropped, the last because its queue was full/,
    /2 messages queued/,
  ],
  [
    'when what waits expires',
    async (stage) => {
      await leaveSession(stage, 'late-1', 'late/a', 1)
      await publish(stage, 'late/a', 1, 300)
      return { client: 'late-1' }
    },
    'expiry',
    /the next one in \d+ min/,
  ],
  [
    'two devices with one client id, and both addresses',
    async (stage) => {
      for (const from of ['127.0.0.2', '127.0.0.3', '127.0.0.2'])
        await connectFrom(stage, from, 'twin')
      return { client: 'twin' }
    },
    'takeover',
    /Two devices keep disconnecting each other/,
    /127\.0\.0\.2.*127\.0\.0\.3|127\.0\.0\.3.*127\.0\.0\.2/,
  ],
  [
    'a will that was published',
    async (stage) => {
      await breakWithWill(stage, 'brave', 'wills/a')
      return { client: 'brave' }
    },
    'will',
    /It had one, and it was published/,
    /"wills\/a"/,
  ],
  [
    'a message that waits for its acknowledgement, and when the last one came',
    async (stage) => {
      const client = await RawClient.open(stage.broker.port, 4)
      client.send(packets.connect(4, { clientId: 'mute' }))
      await client.expect('connack')
      client.send(packets.subscribe(1, [{ filter: 'mute/a', qos: 1 }]))
      await client.expect('suback')
      await publish(stage, 'mute/a', 1)
      return { client: 'mute' }
    },
    'acknowledged',
    /Never since its session was loaded into memory/,
  ],
]

browserSuite(
  'why, on the page',
  (test) => {
    afterAll(() => rmSync(directory, { recursive: true, force: true }))
    for (const [what, setUp, check, answer, evidence] of ROWS)
      test(what, async ({ page, stage }) => {
        const asked = await setUp(stage)
        const query = new URLSearchParams({ ...asked }).toString()
        await page.goto(`${stage.url}#broker/why?${query}`)
        await login(page)
        const link = (question: string) => page.locator('.why-chain li', { hasText: question })
        const english = link(QUESTIONS[check])
        await english.filter({ hasText: answer }).waitFor()
        if (evidence !== undefined) assert.match(await english.innerText(), evidence)
        await page.locator('.is-unbroken').waitFor()
        await page.getByRole('button', { name: '切换到中文' }).click()
        const chinese = link(questionsZh[check])
        assert.match(await chinese.locator('b').innerText(), /\p{Script=Han}/u)
        assert.doesNotMatch(await chinese.locator('b').innerText(), answer)
      })

    test('the API and the command say the same as the page', async ({ page, stage }) => {
      const made = await stage.connect('same-1')
      await made.subscribe('same/Price', { qos: 1, onMessage: () => {} })
      const question = { client: 'same-1', topic: 'same/price' }
      const query = new URLSearchParams(question).toString()
      await page.goto(`${stage.url}#broker/why?${query}`)
      await login(page)
      await page.locator('.why-chain li').first().waitFor()
      const verdict = await page.locator('.why-verdict').innerText()
      const shown = await page.locator('.why-chain li > span:nth-of-type(1)').allTextContents()
      const authorization = `Basic ${Buffer.from(`${ADMIN.username}:${ADMIN.password}`).toString('base64')}`
      const answer = await fetch(`${stage.url}api/v1/why?${query}`, { headers: { authorization } })
      const reply = (await answer.json()) as WhyReply
      assert.equal(reply.verdict, verdict)
      assert.deepEqual(
        reply.links.map((one) => `${en.whyStates[one.state]}: ${one.question} ${one.answer}`),
        shown,
      )
      const place = ['--url', stage.url, '-u', ADMIN.username, '-P', ADMIN.password]
      const asked = ['--client', question.client, '--topic', question.topic]
      const command = spawnSync(process.execPath, ['bin/mozzie', 'why', ...asked, ...place], {
        encoding: 'utf8',
      })
      assert.equal(command.status, 2, command.stderr)
      const said = command.stdout.split('\n')
      assert.equal(said[0], verdict)
      for (const { question: asks, answer: answers } of reply.links)
        assert.ok(
          said.some((line) => line.includes(`${asks} ${answers}`)),
          `${asks} ${answers}`,
        )
    })

    test('the verdict says what is to be noted, in both languages', async ({ page, stage }) => {
      const client = await stage.connect('noted-1')
      await client.subscribe('noted/a', { noLocal: true, onMessage: () => {} })
      await page.goto(`${stage.url}#broker/why?client=noted-1&topic=noted/a`)
      await login(page)
      const verdict = page.locator('.why-verdict')
      await verdict.filter({ hasText: /^No problem found\. .*No Local\.$/ }).waitFor()
      await page.getByRole('button', { name: '切换到中文' }).click()
      await verdict.filter({ hasText: /^没有发现问题。.*不接收自己发布的消息/ }).waitFor()
    })

    test('a client in the list, and the topic of a message, lead to "why?"', async ({
      page,
      stage,
      t,
    }) => {
      await stage.connect('asks-1')
      await connectHere(page, t)
      await publishHere(page, t, 'asks/price', '1')
      await row(page, 'asks/price').first().click()
      await page.getByRole('button', { name: t.whyTopic }).click()
      await login(page)
      await page.locator('.why-chain li', { hasText: QUESTIONS.receivers }).waitFor()
      assert.equal(await page.getByLabel(t.topic, { exact: true }).inputValue(), 'asks/price')
      await openPart(page, 'clients')
      await openClient(page, 'asks-1')
      await page.locator('.drawer').getByRole('link', { name: en.why }).click()
      await page.locator('.verdict.is-allowed').waitFor()
      assert.equal(await page.getByLabel(en.columns.clientId).inputValue(), 'asks-1')
    })

    test('what waits on the disk for a client that is away is listed', async ({ page, stage }) => {
      await leaveSession(stage, 'disk-1', 'disk/a', 1)
      await publish(stage, 'disk/a', 1, 300)
      await page.goto(`${stage.url}#broker/clients`)
      await login(page)
      await page.locator('.row-button', { hasText: 'disk-1' }).click()
      const item = page.locator('.drawer li', { hasText: 'disk/a' }).filter({ hasText: '1 B' })
      await item.getByText(/waiting for \d+ s, expires in \d+ min/).waitFor()
    })

    test('a client that a limit turned away stands among the refused, with the limit', async ({
      page,
      stage,
    }) => {
      const open = await Promise.all(
        Array.from({ length: CONNECTIONS_MAX }, () =>
          RawClient.open(stage.broker.port, 4, '127.0.0.9'),
        ),
      )
      const oneMore = await RawClient.open(stage.broker.port, 4, '127.0.0.9')
      await oneMore.expectClosed()
      await page.goto(`${stage.url}#broker/overview`)
      await login(page)
      const row = page.locator('.refusals tr', { hasText: '127.0.0.9' }).first()
      await row.getByText('max_connections_per_address exceeded').waitFor()
      await Promise.all(open.map((one) => one.end()))
    })
  },
  LIMITS,
)
