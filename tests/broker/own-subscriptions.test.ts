import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  findSubscription,
  putSubscription,
  subscriptionCount,
  subscriptionsOf,
  takeSubscription,
  type OwnSubscriptions,
} from '../../src/broker/state/own-subscriptions.ts'
import { Session, Subscription } from '../../src/broker/state/model.ts'

test('the subscriptions of a session are a Map by filter, whatever their number', () => {
  const change = fc.record({ key: fc.integer({ min: 0, max: 3 }), put: fc.boolean() })
  const session = new Session('c', null, 5, true)
  fc.assert(
    fc.property(fc.array(change), (changes) => {
      const owner: { subscriptions: OwnSubscriptions<Subscription> } = { subscriptions: null }
      const plain = new Map<string, Subscription>()
      for (const { key, put } of changes) {
        const filter = `f/${key}`
        assert.equal(findSubscription(owner, filter), plain.get(filter))
        if (put && !plain.has(filter)) {
          const subscription = new Subscription(session, filter, null)
          putSubscription(owner, subscription)
          plain.set(filter, subscription)
        } else if (!put && plain.delete(filter)) takeSubscription(owner, filter)
        assert.deepEqual([...subscriptionsOf(owner)], [...plain.values()])
        assert.equal(subscriptionCount(owner), plain.size)
      }
    }),
  )
})
