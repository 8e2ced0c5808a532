/** What systemd is told, where the program that tells it cannot be started. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { notifyStopping } from '../../src/server/service-manager.ts'

test('a process that cannot be started to tell systemd ends nothing', (t) => {
  t.after(() => {
    delete process.env['NOTIFY_SOCKET']
    delete process.env['TOO_LONG']
  })
  process.env['NOTIFY_SOCKET'] = '/nowhere'
  // Longer than the system takes for a process: Node throws, as it does where there is no memory for one.
  process.env['TOO_LONG'] = 'x'.repeat(1 << 20)
  assert.doesNotThrow(notifyStopping)
})
