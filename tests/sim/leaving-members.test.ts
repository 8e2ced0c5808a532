/** Members of a shared group that leave while a message is on its way to them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KINDS, TwoCores } from './two-cores.ts'

for (const kind of KINDS)
  for (const isDurable of [false, true])
    test(`${kind}: at QoS 0 a ${isDurable ? 'durable' : 'clean'} member gets what another node's member left behind`, () => {
      for (let seed = 1; seed <= 40; seed++) {
        const world = new TwoCores(kind, seed)
        const { a, b, random } = world
        const staying = world.connect('staying', a, isDurable)
        world.subscribe(staying, '$share/g/w', 1)
        const leaving = world.connect('leaving', b, false)
        world.subscribe(leaving, '$share/g/w', 1)
        const publisher = world.connect('p', a, false)
        leaving.unsubscribe('$share/g/w')
        const sent = ['0', '1', '2', '3']
        for (const payload of sent) {
          world.pass(random())
          publisher.publish('w', payload, 0)
        }
        world.pass(5000)
        const came = [...staying.received, ...leaving.received].map(({ payload }) => payload)
        assert.deepEqual(came.sort(), sent, `seed ${seed}`)
        world.check()
      }
    })
