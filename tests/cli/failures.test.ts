import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connectionFailure } from '../../src/cli/mqtt/failures.ts'
import { defaultSettings } from '../../src/cli/mqtt/settings.ts'
import { MqttError } from '../../src/client/errors.ts'

const silence = new MqttError('TIMEOUT', 'no CONNACK within 30000 ms')

test('who does not answer is not said to accept connections', () => {
  const { text, hint } = connectionFailure(defaultSettings('pub'), silence, false)
  assert.equal(text, 'Error: Connection timed out')
  assert.match(hint ?? '', /^localhost:1883 does not answer: .*firewall/)
})

test('a silent way by a proxy names the proxy', () => {
  const proxy = { host: 'proxy.example', port: 1080, username: null, password: null }
  const settings = { ...defaultSettings('pub'), proxy }
  const { hint } = connectionFailure(settings, silence, false)
  assert.match(hint ?? '', /^No answer of localhost:1883 by way of the proxy proxy\.example:1080/)
})
