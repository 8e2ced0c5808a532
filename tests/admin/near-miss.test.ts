import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nearMiss } from '../../src/admin/near-miss.ts'

const ROWS = [
  ['store/12/Price', 'store/12/price', 'case'],
  ['store/12/price ', 'store/12/price', 'space'],
  ['store/12/ price', 'store/12/price', 'space'],
  ['/store/12/price', 'store/12/price', 'slash'],
  ['store/12/price/', 'store/12/price', 'slash'],
  ['#', '$SYS/broker/uptime', 'dollar'],
  ['+/broker/uptime', '$SYS/broker/uptime', 'dollar'],
  ['store/+/prise', 'store/12/price', 'letter'],
  ['sotre/#', 'store/12/price', 'letter'],
  ['store/+', 'store/12/price', 'level'],
  ['store/+/+/price', 'store/12/price', 'level'],
  ['$share/group/store/12/Price', 'store/12/price', 'case'],
] as const

for (const [filter, topic, difference] of ROWS)
  test(`"${filter}" is near "${topic}": ${difference}`, () =>
    assert.equal(nearMiss(filter, topic), difference))

for (const [filter, topic] of [
  ['store/#', 'store/12/price'],
  ['hall/lamp', 'store/12/price'],
  ['store/13/price', 'store/12/price'],
  ['a/b/c/d/e', 'store'],
  ['out/#', 'in/a'],
  ['out/+', 'in'],
] as const)
  test(`"${filter}" is no near miss of "${topic}"`, () =>
    assert.equal(nearMiss(filter, topic), null))
