import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { compareFileNames, loadConfig } from '../../src/config/files.ts'
import { configError, readConfig } from './read-config.ts'

/** A directory with `mosquitto.conf` (its `@` stands for the directory) and `conf.d/*`. */
function directoryWith(context: TestContext, main: string, included: Record<string, string>) {
  const directory = mkdtempSync(join(tmpdir(), 'mozzie-config-'))
  context.after(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'mosquitto.conf')
  writeFileSync(file, main.replaceAll('@', directory))
  mkdirSync(join(directory, 'conf.d'))
  for (const [name, text] of Object.entries(included))
    writeFileSync(join(directory, 'conf.d', name), text.replaceAll('@', directory))
  return { directory, file }
}

test('no file at all gives the defaults', () => {
  const config = loadConfig(null)
  assert.equal(config.localOnly, true)
  assert.deepEqual(config.loadedFiles, [])
})

test('include_dir reads the .conf files of a directory in order', (context) => {
  const names = ['b.conf', 'A.conf', '01.conf', 'B.conf', 'a.conf', '00.conf']
  const { file } = directoryWith(
    context,
    'include_dir @/conf.d',
    Object.fromEntries(names.map((name) => [name, '# nothing\n'])),
  )
  assert.deepEqual(
    loadConfig(file).loadedFiles.map((path) => basename(path)),
    ['mosquitto.conf', '00.conf', '01.conf', 'A.conf', 'a.conf', 'B.conf', 'b.conf'],
  )
})

test('file names that differ in case alone are ordered upper case first', () => {
  assert.deepEqual(['b', 'a', 'B', '01', 'A', '00'].sort(compareFileNames), [
    '00',
    '01',
    'A',
    'a',
    'B',
    'b',
  ])
})

test('include_dir skips other names, hidden ".conf" and subdirectories', (context) => {
  const { file, directory } = directoryWith(context, 'include_dir @/conf.d', {
    '.conf': 'nonsense',
    'x.conf.bak': 'nonsense',
    'x.CONF': 'nonsense',
    README: 'nonsense',
    'y.conf': 'sys_interval 3',
  })
  mkdirSync(join(directory, 'conf.d', 'sub'))
  writeFileSync(join(directory, 'conf.d', 'sub', 'z.conf'), 'nonsense')
  assert.equal(loadConfig(file).global.sysIntervalMs, 3000)
})

test('include_dir follows symbolic links', (context) => {
  const { file, directory } = directoryWith(context, 'include_dir @/conf.d', {})
  writeFileSync(join(directory, 'target'), 'sys_interval 4')
  symlinkSync(join(directory, 'target'), join(directory, 'conf.d', 'link.conf'))
  assert.equal(loadConfig(file).global.sysIntervalMs, 4000)
})

test('a missing include directory is an error at its line', (context) => {
  const { file } = directoryWith(context, '\ninclude_dir @/absent', {})
  assert.throws(() => loadConfig(file), { file, line: 2, message: /does not exist/ })
})

test('a directory as the configuration file is an error', (context) => {
  const { directory } = directoryWith(context, '', {})
  assert.throws(() => loadConfig(directory), { name: 'ConfigError', message: /is a directory/ })
})

test('a directory named like an included file is an error', (context) => {
  const { file, directory } = directoryWith(context, 'include_dir @/conf.d', {})
  mkdirSync(join(directory, 'conf.d', 'd.conf'))
  assert.throws(() => loadConfig(file), { file, line: 1, message: /d\.conf.*is a directory/ })
})

test('a missing configuration file is an error', (context) => {
  const { directory } = directoryWith(context, '', {})
  assert.throws(() => loadConfig(join(directory, 'absent.conf')), { message: /does not exist/ })
})

test('an error in an included file is found there', (context) => {
  const { file, directory } = directoryWith(context, 'include_dir @/conf.d', {
    'a.conf': '# fine\nallow_anonymous maybe',
  })
  assert.throws(() => loadConfig(file), { file: join(directory, 'conf.d', 'a.conf'), line: 2 })
})

test('loading refuses what this release does not support', (context) => {
  const { file } = directoryWith(context, 'listener 1883\nplugin /p.so', {})
  assert.throws(() => loadConfig(file), { line: 2, message: /"plugin" is not supported/ })
})

test('an include_dir inside an included file is an error', () => {
  const error = configError('include_dir d', { d: { 'd/a.conf': 'include_dir e' } })
  assert.equal(error.file, 'd/a.conf')
  assert.match(error.message, /itself included/)
})

test('files are read where the directive stands', () => {
  const config = readConfig('sys_interval 1\ninclude_dir d\nmax_keepalive 1', {
    d: { 'd/a.conf': 'sys_interval 2\nmax_keepalive 2' },
  })
  assert.equal(config.global.sysIntervalMs, 2000)
  assert.equal(config.global.maxKeepAliveSeconds, 1)
})

test('the current listener is not carried into an included file', () => {
  const error = configError('listener 1\ninclude_dir d', { d: { 'd/a.conf': 'mount_point a/' } })
  assert.equal(error.file, 'd/a.conf')
  assert.match(error.message, /needs a "listener" line/)
})

test('the current listener is not carried from one included file to the next', () => {
  const files = { 'd/a.conf': 'listener 1', 'd/b.conf': 'max_topic_alias 1' }
  assert.equal(configError('include_dir d', { d: files }).file, 'd/b.conf')
})

test('the current listener is not carried out of an included file', () => {
  const error = configError('include_dir d\nmax_topic_alias 1', { d: { 'd/a.conf': 'listener 1' } })
  assert.equal(error.file, 'test.conf')
})

test('the current listener is the same behind an include_dir line', () => {
  const { listeners } = readConfig('listener 1\ninclude_dir d\nmax_qos 0', {
    d: { 'd/a.conf': 'listener 2\nmax_qos 1' },
  })
  assert.deepEqual(
    listeners.map(({ port, maxQos }) => [port, maxQos]),
    [
      [1, 0],
      [2, 1],
    ],
  )
})

test('the current plugin is not carried into an included file', () => {
  const error = configError('plugin /p\ninclude_dir d', { d: { 'd/a.conf': 'plugin_opt_a b' } })
  assert.equal(error.file, 'd/a.conf')
})

test('a string that repeats in another file is a duplicate', () => {
  const error = configError('pid_file a\ninclude_dir d', { d: { 'd/a.conf': 'pid_file b' } })
  assert.equal(error.file, 'd/a.conf')
  assert.match(error.message, /Duplicate/)
})
