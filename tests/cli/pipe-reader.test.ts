/** A reader that leaves ends a tool that has nothing to print, and nothing is left behind. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startBroker, type BrokerProcess } from '../support/broker-process.ts'
import { endWithUs } from '../support/children.ts'
import { processMsMax } from '../support/patience.ts'
import { runTool } from './tool-process.ts'

const SUB = `exec ${process.execPath} ${join(process.cwd(), 'bin', 'mozzie_sub')}`
const linuxOnly = process.platform === 'linux' ? false : 'GNU tail is asked for on Linux alone'

let broker: BrokerProcess
let directory: string

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'mozzie-pipe-reader-'))
  broker = await startBroker('')
})
after(async () => {
  await broker.stop()
  rmSync(directory, { recursive: true })
})

const place = (): string[] => ['-h', '127.0.0.1', '-p', String(broker.port)]

const published = async (topic: string, ...more: string[]): Promise<void> => {
  const { code } = await runTool('mozzie', 'pub', [...place(), '-t', topic, '-m', 'x', ...more])
  assert.equal(code, 0)
}

/** A pipeline behind sub, in bash; its output and the status of sub, and sub's process id once it is there. */
function pipe(topic: string, flags: string, reader: string, path = process.env['PATH']) {
  const pidFile = join(directory, topic)
  const line = `(echo $BASHPID > ${pidFile}; ${SUB} ${place().join(' ')} -t ${topic} ${flags}) | ${reader}; echo "\${PIPESTATUS[0]}"`
  const child = endWithUs(
    spawn('/bin/bash', ['-c', line], {
      env: { ...process.env, PATH: path },
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: processMsMax,
    }),
  )
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (more: string) => (text += more))
  return {
    outcome: once(child, 'close').then(() => text),
    /** The processes that sub has begun, once there is one. */
    async children(): Promise<string[]> {
      for (;;) {
        const pid = existsSync(pidFile) ? readFileSync(pidFile, 'utf8').trim() : ''
        const list = pid === '' ? '' : readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
        if (list !== '') return list.trim().split(' ')
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    },
    pid: () => Number(readFileSync(pidFile, 'utf8')),
  }
}

const gone = async (pids: readonly string[]): Promise<void> => {
  while (pids.some((pid) => existsSync(`/proc/${pid}`)))
    await new Promise((resolve) => setTimeout(resolve, 50))
}

test('a reader that leaves ends sub also while it is silent', { skip: linuxOnly }, async () => {
  assert.equal(await pipe('silent', '', 'true').outcome, '141\n')
  await published('retained', '-r')
  assert.equal(await pipe('retained', '', 'head -1').outcome, 'x\n141\n')
})

test(
  'sub that ends leaves nothing behind that its reader waits for',
  { skip: linuxOnly },
  async () => {
    const running = pipe('one', '-C 1', 'cat')
    const children = await running.children()
    await published('one', '-r')
    assert.equal(await running.outcome, 'x\n0\n')
    await gone(children)
  },
)

test('sub that is killed leaves nothing behind', { skip: linuxOnly }, async () => {
  const running = pipe('killed', '', 'cat')
  const children = await running.children()
  process.kill(running.pid(), 'SIGKILL')
  assert.equal(await running.outcome, '137\n')
  await gone(children)
})

for (const [name, script] of [
  ['no tail', null],
  ['another tail', '#!/bin/sh\nexit 1\n'],
] as const)
  test(`${name}: sub goes on`, { skip: linuxOnly }, async () => {
    const bin = mkdtempSync(join(directory, 'bin-'))
    const asked = join(bin, 'asked')
    if (script !== null) {
      writeFileSync(join(bin, 'tail'), script.replace('exit', `: > ${asked}; exit`))
      chmodSync(join(bin, 'tail'), 0o755)
    }
    const topic = name.replace(' ', '-')
    const running = pipe(topic, '-C 1', '/bin/cat', bin)
    // Silence is what is tested: a second of it, and then some.
    if (script === null) await new Promise((resolve) => setTimeout(resolve, 3000))
    else while (!existsSync(asked)) await new Promise((resolve) => setTimeout(resolve, 50))
    await published(topic, '-r')
    assert.equal(await running.outcome, 'x\n0\n')
  })
