/** What `mozzie/client` gives a program for browsers: types that need neither Node's nor anything else installed. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { testMsMax } from '../support/patience.ts'

const PROGRAM = `
import { connect, MqttError, type ConnectInfo, type Message, type WebConnectOptions } from 'mozzie/client'

const options: WebConnectOptions = { version: 5, options: async () => ({ username: 'a' }) }
const client = await connect('wss://localhost/mqtt', options)
client.on('connect', (info: ConnectInfo) => void info)
const show = (message: Message): string => message.topic + message.text()
for await (const message of await client.subscribe('a/#', { qos: 1 })) show(message)
await client.publish('a', new Uint8Array(1), { qos: 2, properties: { contentType: 'b' } })
await client.end().catch((error: unknown) => error instanceof MqttError && error.code)
// @ts-expect-error: there is no TLS to configure in a browser.
await connect('wss://localhost', { tls: {} })
`
const OPTIONS = {
  target: 'es2023',
  lib: ['es2023', 'dom'],
  module: 'esnext',
  moduleResolution: 'bundler',
  strict: true,
  noEmit: true,
  skipLibCheck: false,
  types: [],
}

let directory: string
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'mozzie-types-'))
  // Copied, so that nothing above it is found: of the package what TypeScript reads.
  const installed = join(directory, 'node_modules', 'mozzie')
  cpSync('package.json', join(installed, 'package.json'))
  cpSync('dist', join(installed, 'dist'), {
    recursive: true,
    filter: (path) => statSync(path).isDirectory() || path.endsWith('.d.ts'),
  })
  writeFileSync(join(directory, 'program.ts'), PROGRAM)
  writeFileSync(join(directory, 'package.json'), '{ "type": "module" }')
})
after(() => rmSync(directory, { recursive: true, force: true }))

function compile(customConditions: readonly string[]) {
  const compilerOptions = { ...OPTIONS, customConditions }
  const config = JSON.stringify({ compilerOptions, files: ['program.ts'] })
  writeFileSync(join(directory, 'tsconfig.json'), config)
  const tsc = join(process.cwd(), 'node_modules', 'typescript', 'bin', 'tsc')
  return spawnSync(process.execPath, [tsc, '-p', directory], { encoding: 'utf8' })
}

test("a browser's program compiles without Node's types", { timeout: testMsMax }, () => {
  const { status, stdout } = compile(['browser'])
  assert.equal(status, 0, stdout)
})

test("Node's entry does not: the test above would notice", { timeout: testMsMax }, () => {
  assert.match(compile([]).stdout, /node_modules\/mozzie\/dist\/client\/\S+ error TS\d+: .*node:/)
})
