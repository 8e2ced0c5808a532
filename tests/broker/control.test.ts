/** `$CONTROL/…`: commands for the broker, which reach nobody. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Control } from '../../src/ports/ports.ts'
import { ack, publish } from '../support/packets.ts'
import { assertHolds } from '../auth/dynamic/roles.ts'
import { createStage, type Actor } from './stage.ts'

const topic = '$CONTROL/x/v1'

/** The next acknowledgement of this kind. */
function came(actor: Actor, name: 'puback' | 'pubrec' | 'pubcomp', expected: object): void {
  assertHolds(actor.take(name), expected)
}

/** A control that takes its time: `go` lets the next command end. */
function slowControl(): Control & { commands: string[]; go(): Promise<void> } {
  const waiting: (() => void)[] = []
  const commands: string[] = []
  return {
    commands,
    command(who, name, payload) {
      commands.push(`${who.clientId} ${name} ${Buffer.from(payload).toString()}`)
      return new Promise((resolve) => void waiting.push(resolve))
    },
    async go() {
      waiting.shift()?.()
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

for (const qos of [0, 1, 2] as const)
  test(`QoS ${qos}: a command is carried out once, acknowledged when it is done, and reaches nobody`, async () => {
    const control = slowControl()
    const stage = createStage({}, undefined, control)
    const watcher = stage.connect('watcher')
    watcher.subscribe('$CONTROL/#', 0)
    const client = stage.connect('a')
    client.send(publish(topic, 'do it', { qos, packetId: 5, retain: true }))
    stage.pass(100)
    assert.deepEqual(control.commands, ['a $CONTROL/x/v1 do it'])
    assert.deepEqual(client.inbox, [])
    await control.go()
    stage.pass(100)
    if (qos === 1) came(client, 'puback', { packetId: 5, reason: 0 })
    if (qos === 2) {
      came(client, 'pubrec', { packetId: 5 })
      client.send(publish(topic, 'do it', { qos, packetId: 5, dup: true }))
      came(client, 'pubrec', { packetId: 5 })
      client.send(ack('pubrel', 5))
      came(client, 'pubcomp', { packetId: 5, reason: 0 })
    }
    assert.equal(control.commands.length, 1)
    assert.deepEqual(watcher.inbox, [])
    assert.equal(stage.node.broker.counts().retained, 0)
  })

test('who may not publish there commands nothing', () => {
  const control = slowControl()
  const stage = createStage({}, undefined, control)
  stage.node.auth.publish = () => false
  const client = stage.connect('a')
  client.send(publish(topic, 'do it', { qos: 1, packetId: 1 }))
  came(client, 'puback', { reason: 0x87 })
  assert.deepEqual(control.commands, [])
})

test('without anybody to command a PUBLISH there is refused', () => {
  const stage = createStage()
  const client = stage.connect('a')
  client.send(publish(topic, 'do it', { qos: 1, packetId: 1 }))
  came(client, 'puback', { reason: 0x87 })
})

test('a command beyond the bound is refused', () => {
  const control = slowControl()
  const stage = createStage({ commandBytesMax: 10 }, undefined, control)
  const client = stage.connect('a')
  client.send(publish(topic, 'eleven byte', { qos: 1, packetId: 1 }))
  came(client, 'puback', { reason: 0x87 })
  assert.deepEqual(control.commands, [])
})

test('what the broker tells one client comes by its own subscriptions, and to nobody else', () => {
  const stage = createStage()
  const [one, other, deaf] = ['one', 'other', 'deaf'].map((id) => stage.connect(id))
  for (const actor of [one, other]) actor.subscribe(`${topic}/response`, 0)
  for (const id of ['one', 'deaf'])
    stage.node.broker.tell(id, `${topic}/response`, Buffer.from('no'))
  stage.pass(0)
  assert.deepEqual(one.payloads(), ['no'])
  assert.deepEqual([other.inbox, deaf.inbox], [[], []])
})
