/** mosquitto with its own dynamic security. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readState } from '../../../src/auth/dynamic/read-state.ts'
import { formatState } from '../../../src/auth/dynamic/write-state.ts'
import { until } from '../../server/run-mozzie.ts'
import { endWithUs } from '../../support/children.ts'
import { freePort } from '../../support/free-port.ts'
import { dynamicFile } from './driver.ts'
import type { Scene } from './roles.ts'

const mosquitto = '/usr/sbin/mosquitto'
const plugin = pluginPath()

function pluginPath(): string | undefined {
  if (!existsSync('/usr/lib')) return undefined
  return readdirSync('/usr/lib')
    .map((folder) => `/usr/lib/${folder}/mosquitto_dynamic_security.so`)
    .find((path) => existsSync(path))
}

export const skipWithoutPlugin =
  plugin !== undefined && existsSync(mosquitto)
    ? false
    : `${mosquitto} with its dynamic security is not installed`

export interface TestContext {
  after(run: () => void | Promise<void>): void
}

export interface Target {
  readonly port: number
  /** Lets it use the file from now on. */
  load(text: string): Promise<void>
}

export async function startPlugin(context: TestContext, directory: string): Promise<Target> {
  const port = await freePort()
  const file = join(directory, 'theirs.json')
  const conf = join(directory, 'theirs.conf')
  writeFileSync(
    conf,
    `user root\nlistener ${port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n` +
      `plugin ${plugin}\nplugin_opt_config_file ${file}\nlog_type all\n`,
  )
  let stop = async (): Promise<void> => {}
  context.after(() => stop())
  return {
    port,
    async load(text) {
      await stop()
      writeFileSync(file, text)
      const child = endWithUs(
        spawn(mosquitto, ['-c', conf], { stdio: ['ignore', 'ignore', 'pipe'] }),
      )
      const exited = once(child, 'close')
      let log = ''
      child.stderr.setEncoding('utf8').on('data', (chunk: string) => void (log += chunk))
      stop = async () => {
        child.kill('SIGKILL')
        await exited
      }
      await until(
        () => / running/.test(log),
        () => log,
      )
    },
  }
}

/** The file of a scene, as our broker writes it. */
export async function textOf(scene: Scene): Promise<string> {
  return formatState(readState(await dynamicFile(scene), 'scene').state)
}
