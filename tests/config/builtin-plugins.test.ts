import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configError, readConfig } from './read-config.ts'

const passwords = 'plugin /usr/lib/mosquitto_password_file.so\nplugin_opt_password_file /users'
const rights = 'global_plugin /usr/lib/mosquitto_acl_file.so\nplugin_opt_acl_file /rules'

function filesOf(text: string): (string | null)[][] {
  const { listeners, refused, plugins } = readConfig(text)
  assert.deepEqual(refused, [])
  assert.deepEqual(plugins, [])
  return listeners.map(({ passwordFile, aclFile }) => [passwordFile, aclFile])
}

test("mosquitto's plugins for passwords and rights are the options of the same name", () => {
  assert.deepEqual(filesOf(`listener 1\n${passwords}\n${rights}\nlistener 2`), [
    ['/users', '/rules'],
    ['/users', '/rules'],
  ])
})

test('they hold without any listener', () => {
  assert.deepEqual(filesOf(passwords), [
    ['/users', null],
    ['/users', null],
    ['/users', null],
  ])
})

test('with per_listener_settings a plugin is for the listener above it, a global one for all', () => {
  const text = `per_listener_settings true\nlistener 1\n${passwords}\nlistener 2\n${rights}`
  assert.deepEqual(filesOf(text), [
    ['/users', '/rules'],
    [null, '/rules'],
  ])
})

test('plugin_load is for those listeners that have plugin_use', () => {
  const load = 'plugin_load acl /usr/lib/mosquitto_acl_file.so\nplugin_opt_acl_file /rules'
  assert.deepEqual(filesOf(`${load}\nlistener 1\nlistener 2\nplugin_use acl`), [
    [null, null],
    [null, '/rules'],
  ])
})

test('a plugin without its file is an error', () => {
  const { message, line } = configError('plugin /usr/lib/mosquitto_acl_file.so')
  assert.match(message, /plugin_opt_acl_file/)
  assert.equal(line, 1)
})

test('an option that the plugin does not have is an error', () => {
  assert.match(
    configError(`${passwords}\nplugin_opt_acl_file /rules`).message,
    /only "password_file"/,
  )
})

test('two files of one kind are an error', () => {
  assert.match(
    configError(`password_file /others\n${passwords}`).message,
    /another "password_file"/,
  )
})

test('another plugin behind one of ours is still refused', () => {
  const { refused } = readConfig(`${passwords}\nconnection b\naddress a\ntopic #\nplugin /p.so`)
  assert.deepEqual(
    refused.map(({ option }) => option),
    ['plugin'],
  )
})
