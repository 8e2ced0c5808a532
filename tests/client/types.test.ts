/**
 * What `mozzie` and `mozzie/client` give a program that is compiled: types for TypeScript 5.0 to 7, whichever way it looks for
 * modules; those for browsers need neither Node's nor anything else installed. The other compilers come from the
 * registry and are kept in ~/.cache/mozzie; without a network they are skipped.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { testMsMax } from '../support/patience.ts'

const BROWSER_PROGRAM = `
import { connect, MqttError, type ConnectInfo, type Message, type WebConnectOptions } from 'mozzie/client'

const options: WebConnectOptions = { version: 5, options: async () => ({ username: 'a' }) }
const client = await connect('wss://localhost/mqtt', options)
client.on('connect', (info: ConnectInfo) => void info)
const show = (message: Message): string => message.topic + message.text()
for await (const message of await client.subscribe('a/#', { qos: 1 })) show(message)
await client.publish('a', new Uint8Array(1), { qos: 2, properties: { contentType: 'b' } })
await client.end().catch((error: unknown) => error instanceof MqttError && error.code)
`
/** Of the entry for browsers alone. */
const WITHOUT_TLS = `
import { connect } from 'mozzie/client'
// @ts-expect-error: there is no TLS to configure in a browser.
await connect('wss://localhost', { tls: {} })
`
const NODE_PROGRAM = `
import { createBroker, MozzieError, type BrokerOptions, type EmbeddedBroker } from 'mozzie'
import { connect, type NodeConnectOptions } from 'mozzie/client'

const hooks: BrokerOptions = { authorizeDelivery: async (who, topic) => who.username !== topic }
const broker: EmbeddedBroker = createBroker(hooks)
const { port } = await broker.listen({ port: 0 })
broker.subscribe('a/#', ({ topic, payload }) => void (topic.length + payload.length))
const options: NodeConnectOptions = { tls: { ca: 'x' } }
const client = await connect('mqtt://127.0.0.1:' + port, options)
for await (const message of await client.subscribe('a/#')) message.text()
await broker.close().catch((error: unknown) => error instanceof MozzieError && error.code)
// @ts-expect-error: it is a number.
const text: string = port
`
const OPTIONS = {
  target: 'es2022',
  strict: true,
  noEmit: true,
}
const BROWSER = { lib: ['es2022', 'dom'], types: [] }
const NODE = { lib: ['es2022'], types: ['node'] }
const BUNDLER = { module: 'esnext', moduleResolution: 'bundler' }
/** Of each compiler one checks every declaration, the others only whether they are found. */
const RESOLUTIONS: Readonly<Record<string, object>> = {
  nodenext: { module: 'nodenext', moduleResolution: 'nodenext' },
  node16: { module: 'node16', moduleResolution: 'node16', skipLibCheck: true },
  bundler: { ...BUNDLER, skipLibCheck: true },
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
  for (const name of ['@types/node', 'undici-types']) {
    const link = join(directory, 'node_modules', name)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(join(process.cwd(), 'node_modules', name), link)
  }
  writeFileSync(join(directory, 'browser.ts'), BROWSER_PROGRAM)
  writeFileSync(join(directory, 'without-tls.ts'), WITHOUT_TLS)
  writeFileSync(
    join(directory, 'broker.ts'),
    "import { createBroker } from 'mozzie'\ncreateBroker()\n",
  )
  writeFileSync(join(directory, 'node.ts'), NODE_PROGRAM)
  writeFileSync(join(directory, 'package.json'), '{ "type": "module" }')
})
after(() => rmSync(directory, { recursive: true, force: true }))

const OURS = join(process.cwd(), 'node_modules', 'typescript')
const CACHE = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'mozzie')

/** Where this compiler is; null: it is not here, and there is no network. */
function compilerOf(version: string): string | null {
  if (version === 'ours') return OURS
  const place = join(CACHE, `typescript-${version}`)
  const compiler = join(place, 'package')
  if (existsSync(join(compiler, 'bin', 'tsc'))) return compiler
  mkdirSync(place, { recursive: true })
  const npm = ['pack', `typescript@${version}`, '--silent']
  const packed = spawnSync('npm', npm, { cwd: place, encoding: 'utf8' })
  if (packed.status !== 0) return null
  const { status } = spawnSync('tar', ['-xzf', packed.stdout.trim()], { cwd: place })
  return status === 0 ? compiler : null
}

function compile(compiler: string, file: string, options: object) {
  const config = JSON.stringify({ compilerOptions: { ...OPTIONS, ...options }, files: [file] })
  writeFileSync(join(directory, 'tsconfig.json'), config)
  const tsc = join(compiler, 'bin', 'tsc')
  return spawnSync(process.execPath, [tsc, '-p', directory], { encoding: 'utf8' })
}

const browser = (customConditions: readonly string[]) => ({
  ...BROWSER,
  ...BUNDLER,
  customConditions,
})

test(
  "without Node's types the broker does not do: they are not found",
  { timeout: testMsMax },
  () => {
    assert.match(
      compile(OURS, 'broker.ts', browser([])).stdout,
      /node_modules\/mozzie\/dist\/\S+ error TS\d+: .*node:/,
    )
  },
)

for (const version of ['5.0.4', '5.9.3', '6.0.3', 'ours'])
  test(`types compile with TypeScript ${version}`, { timeout: testMsMax }, async (context) => {
    const compiler = compilerOf(version)
    if (compiler === null) return context.skip('it is not in the cache, and npm pack failed')
    // Without the condition a compiler takes Node's entry, as in a project that vite has made.
    for (const [file, conditions] of [
      ['browser.ts', ['browser']],
      ['browser.ts', []],
      ['without-tls.ts', ['browser']],
    ] as const)
      await context.test(`${file} without Node's types, conditions: ${conditions.join()}`, () => {
        const { status, stdout } = compile(compiler, file, browser(conditions))
        assert.equal(status, 0, stdout)
      })
    for (const [name, resolution] of Object.entries(RESOLUTIONS))
      await context.test(`Node's, ${name}`, () => {
        const options = { ...NODE, ...resolution }
        const { status, stdout } = compile(compiler, 'node.ts', options)
        assert.equal(status, 0, stdout)
      })
  })
