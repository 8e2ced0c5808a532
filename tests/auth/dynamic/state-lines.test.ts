import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { DynamicState } from '../../../src/auth/dynamic/model.ts'
import { readState } from '../../../src/auth/dynamic/read-state.ts'
import { linesBetween, NO_STATE, StateReader } from '../../../src/auth/dynamic/state-lines.ts'
import { formatState } from '../../../src/auth/dynamic/write-state.ts'

const NAMES = ['a', 'b', '__proto__', 'ö', '𝄞']

const name = fc.constantFrom(...NAMES)
const priority = fc.integer({ min: -1, max: 3 })
const few = <T>(entry: fc.Arbitrary<T>) => fc.array(entry, { maxLength: 4 })
const text = fc.option(fc.string(), { nil: undefined })
const link = (key: string) => fc.record({ [key]: name, priority })
const acl = fc.record({
  acltype: fc.constantFrom('publishClientSend', 'subscribePattern'),
  topic: fc.constantFrom('#', 'x/+', 'y'),
  priority,
  allow: fc.boolean(),
})

/** Files as somebody may have written them, links that lead nowhere among them. */
const file = fc.record({
  defaultACLAccess: fc.record({ subscribe: fc.boolean(), unsubscribe: fc.boolean() }),
  roles: few(
    fc.record({ rolename: name, textname: text, allowwildcardsubs: fc.boolean(), acls: few(acl) }),
  ),
  clients: few(
    fc.record({
      username: name,
      clientid: text,
      disabled: fc.boolean(),
      roles: few(link('rolename')),
      encoded_password: fc.constantFrom(undefined, 'odd', '$7$1$c2FsdA==$aGFzaA=='),
    }),
  ),
  groups: few(
    fc.record({
      groupname: name,
      textdescription: text,
      roles: few(link('rolename')),
      clients: few(link('username')),
    }),
  ),
  anonymousGroup: name,
  changeIndex: fc.nat(),
})

const state = file.map((value) => readState(JSON.stringify(value), 'f').state)

function applied(from: DynamicState, lines: Iterable<string>): DynamicState {
  const reader = new StateReader(from, 'lines')
  for (const line of lines) reader.take(line)
  return reader.result
}

test('the lines between two states make the one of the other, which stays as it is', () => {
  fc.assert(
    fc.property(state, state, (before, after) => {
      const text = formatState(before)
      const made = applied(before, linesBetween(before, after))
      assert.equal(formatState(made), formatState(after))
      assert.equal(formatState(before), text)
      assert.equal(
        formatState(applied(NO_STATE, linesBetween(NO_STATE, after))),
        formatState(after),
      )
    }),
  )
})

test('a file is written as JSON has it, whatever is in it', () => {
  fc.assert(
    fc.property(state, (any) => {
      const text = formatState(any)
      assert.equal(text, `${JSON.stringify(JSON.parse(text), null, '\t')}\n`)
    }),
  )
})

test('one more member of a large group is one short line, and what is the same stays the same', () => {
  const clients = Array.from({ length: 2000 }, (_, at) => ({ username: `u${at}`, roles: [] }))
  const members = clients.map(({ username }) => ({ username, priority: -1 }))
  const stateOf = (count: number): DynamicState => {
    const groups = [{ groupname: 'g', roles: [], clients: members.slice(0, count) }]
    return readState(JSON.stringify({ clients, groups, roles: [] }), 'f').state
  }
  const before = stateOf(1999)
  const after = { ...before, groups: stateOf(2000).groups }
  const lines = [...linesBetween(before, after)]
  assert.ok(lines.join('').length < 400, lines.join(''))
  const made = applied(before, lines)
  assert.equal(formatState(made), formatState(after))
  assert.equal(made.clients, before.clients)
})

test('a line that says nothing known is an error: nothing is left out in silence', () => {
  for (const line of ['{"role":1}', '{"thing":{}}', '[]', '{}', 'null'])
    assert.throws(() => applied(NO_STATE, [line]), /says nothing that is known/)
  assert.throws(
    () => applied(NO_STATE, ['{"members":{"of":"g","in":[],"out":[]}}']),
    /members of g/,
  )
})
