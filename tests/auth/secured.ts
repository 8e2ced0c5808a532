import { pbkdf2Sync, randomBytes } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Version } from '../../src/codec/packets.ts'
import { formatPasswordHash, newPasswordHash } from '../../src/auth/password-hash.ts'
import { scratch, startMozzie, until, type Mozzie } from '../server/run-mozzie.ts'
import { freePort } from '../support/free-port.ts'
import { connect, type ConnectOptions } from '../support/packets.ts'
import { RawClient } from '../support/raw-client.ts'

interface TestContext {
  after(run: () => void | Promise<void>): void
}

/** A broker with files of users and rights in a directory of its own, where a test changes them. */
export interface Secured {
  /** The one that runs now. */
  readonly mozzie: Mozzie
  readonly ports: readonly number[]
  /** Where its files are. */
  readonly directory: string
  /** Writes (or, null, removes) a file beside the configuration. */
  write(name: string, text: string | null): void
  /** SIGHUP, and waits until the broker has done what it does then. */
  reload(): Promise<void>
  /** SIGTERM, and the same again. */
  restart(): Promise<void>
  /** CONNECT; resolves when its CONNACK has this code. */
  connect(options?: LoginOptions, code?: number): Promise<RawClient>
}

export interface LoginOptions extends ConnectOptions {
  version?: Version
  /** Which of the ports. */
  listener?: number
}

/**
 * Starts the program with the configuration `conf`, in which DIR is the directory of `files` and PORT0, PORT1 are
 * free ports.
 */
export async function startSecured(
  context: TestContext,
  conf: string,
  files: Record<string, string> = {},
): Promise<Secured> {
  const directory = scratch(context)
  const ports = [await freePort(), await freePort()]
  const write = (name: string, text: string | null): void => {
    const file = join(directory, name)
    if (text === null) rmSync(file)
    else writeFileSync(file, name === 'mosquitto.conf' ? confText(text) : text, { mode: 0o600 })
  }
  const confText = (text: string): string => {
    const placed = text.replaceAll('DIR', directory)
    const numbered = placed.replaceAll(/PORT(\d)/g, (_, index) => String(ports[Number(index)]))
    return `user root\nlog_type all\n${numbered}\n`
  }
  write('mosquitto.conf', conf)
  for (const [name, text] of Object.entries(files)) write(name, text)
  const start = () => startMozzie(context, '-c', join(directory, 'mosquitto.conf'))
  let mozzie = await start()
  let serial = 0
  return {
    get mozzie() {
      return mozzie
    },
    ports,
    directory,
    write,
    async restart() {
      mozzie.signal('SIGTERM')
      await mozzie.exited
      mozzie = await start()
    },
    async reload() {
      const done = /Reloaded config|stay as they were/g
      const count = (): number => mozzie.stderr().match(done)?.length ?? 0
      const before = count()
      mozzie.signal('SIGHUP')
      await until(() => count() > before, mozzie.stderr)
    },
    async connect({ version = 5, listener = 0, ...options } = {}, code = 0) {
      const client = await RawClient.open(ports[listener], version)
      context.after(() => client.destroy())
      client.send(connect(version, { clientId: `c${process.pid}x${++serial}`, ...options }))
      await client.expect('connack', { code })
      if (code !== 0) await client.expectClosed()
      return client
    },
  }
}

/** A `$7$` line of a password file. */
export function passwordLine(user: string, password: string, iterations = 101): string {
  const salt = randomBytes(12)
  const hash = pbkdf2Sync(password, salt, iterations, 64, 'sha512')
  const like = newPasswordHash('sha512-pbkdf2', iterations)
  return `${user}:${formatPasswordHash({ ...like, salt, hash })}\n`
}

export const alice = { username: 'alice', password: 'secret' }
export const bob = { username: 'bob', password: 'hidden' }
/** Lines of a password file for {@link alice} and {@link bob}. */
export const aliceLine = passwordLine('alice', 'secret')
export const bobLine = passwordLine('bob', 'hidden')

/** What is logged and what is said to a client come by two ways, in any order. */
export const untilLogged = ({ stderr }: Mozzie, pattern: RegExp): Promise<void> =>
  until(() => pattern.test(stderr()), stderr)
