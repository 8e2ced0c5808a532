import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diffConfig } from '../../src/config/reload.ts'
import { readConfig } from './read-config.ts'

function diff(before: string, after: string) {
  return diffConfig(readConfig(before), readConfig(after))
}

test('equal configurations do not differ', () => {
  const text = 'listener 1\nmax_qos 1\nlog_dest stdout\nallow_anonymous true'
  assert.deepEqual(diff(text, `# moved\n${text}`), [])
})

test('a changed limit is reloadable', () => {
  assert.deepEqual(diff('', 'max_queued_messages 5'), [
    {
      option: 'max_queued_messages',
      listener: null,
      before: 1000,
      after: 5,
      reloadable: true,
    },
  ])
})

test('a changed user is not reloadable', () => {
  assert.deepEqual(
    diff('user a', 'user b').map(({ option, reloadable }) => [option, reloadable]),
    [['user', false]],
  )
})

test('a changed listener option names its listener', () => {
  assert.deepEqual(diff('listener 1 h\nlistener 2', 'listener 2\nlistener 1 h\nmax_qos 0'), [
    { option: 'max_qos', listener: '1 h', before: 2, after: 0, reloadable: true },
  ])
})

test('a new listener is not reloadable', () => {
  assert.deepEqual(diff('listener 1', 'listener 1\nlistener 0 /s'), [
    { option: 'listener', listener: '/s', before: undefined, after: '/s', reloadable: false },
  ])
})

test('a listener that is gone is not reloadable', () => {
  assert.deepEqual(
    diff('listener 1\nlistener 2', 'listener 1').map(({ option, listener, reloadable }) => ({
      option,
      listener,
      reloadable,
    })),
    [{ option: 'listener', listener: '2', reloadable: false }],
  )
})

test('allow_anonymous reaches every listener', () => {
  assert.deepEqual(
    diff('listener 1', 'listener 1\nallow_anonymous true').map(({ option, listener, after }) => [
      option,
      listener,
      after,
    ]),
    [
      ['allow_anonymous', null, true],
      ['allow_anonymous', '1', true],
    ],
  )
})

test('socket_domain is not reloadable', () => {
  const [change] = diff('listener 1', 'listener 1\nsocket_domain ipv4')
  assert.deepEqual([change.option, change.reloadable], ['socket_domain', false])
})
