/**
 * Debian's mosquitto, over sockets and in real time. Quiet is what a connection of ours sees: mosquitto has one thread
 * and looks at every socket once a round, so after some rounds of pings all that was sent before is handled.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../support/free-port.ts'
import type { Profile } from './state.ts'
import type { Line, Target } from './target.ts'
import { bytesOf } from './wire.ts'

const PROFILE: Profile = {
  survives: true,
  crashes: false,
  saysWhy: false,
  willAtTakeover: false,
  receiveMaximum: 20,
  aliasMaximum: 10,
  windowMax: 20,
  // It counts in whole seconds, and looks at wills and sessions once in one.
  clockMs: 2100,
}
/** As many packets as a step has at most, and some. */
const PING_ROUNDS = 8
const POLL_MS = 20
const PINGREQ = Uint8Array.of(0xc0, 0)

export function createMosquittoTarget(): Target {
  return new MosquittoTarget()
}

class MosquittoTarget implements Target {
  readonly profile = PROFILE
  private readonly directory = mkdtempSync(join(tmpdir(), 'mozzie-model-'))
  private port = 0
  private child: ChildProcess | null = null
  private probe: Socket | null = null
  private lines: SocketLine[] = []

  async start(): Promise<void> {
    if (this.port === 0) this.port = await freePort()
    const config = join(this.directory, 'mosquitto.conf')
    const user = process.getuid?.() === 0 ? 'user root\n' : ''
    const listener = `listener ${this.port} 127.0.0.1\nallow_anonymous true\nlog_dest none\nset_tcp_nodelay true\nallow_duplicate_messages true\n`
    const store = `persistence true\npersistence_location ${this.directory}/\n`
    writeFileSync(config, `${user}${listener}${store}`)
    const child = spawn('/usr/sbin/mosquitto', ['-c', config], { stdio: 'ignore' })
    this.child = child
    const hello = { cmd: 'connect', clientId: 'probe', clean: true, keepalive: 0 } as const
    for (this.probe = null; this.probe === null;) {
      this.probe = await dial(this.port)
      if (this.probe === null) await sleep(POLL_MS)
      if (child.exitCode !== null) throw new Error('mosquitto does not start')
    }
    this.probe.write(bytesOf({ ...hello, protocolVersion: 4 }, 4))
    await once(this.probe, 'data')
  }

  async open(_name: string): Promise<Line> {
    const socket = await dial(this.port)
    if (socket === null) throw new Error('mosquitto does not accept')
    const line = new SocketLine(socket)
    this.lines.push(line)
    return line
  }

  nowMs(): number {
    return performance.now()
  }

  async pass(ms: number): Promise<void> {
    await sleep(ms)
    await this.settle()
  }

  budget(): void {
    // It has none.
  }

  /** In order: it writes its database at the end, and between only now and then. */
  async restart(): Promise<void> {
    await this.end()
    for (const line of this.lines) await line.gone
    this.lines = []
    await this.start()
  }

  async settle(): Promise<void> {
    const { probe } = this
    if (probe === null) return
    for (let round = 0; round < PING_ROUNDS; round++) {
      probe.write(PINGREQ)
      await once(probe, 'data')
    }
    // What lies in other sockets is read in the rounds of this loop.
    for (let round = 0; round < 3; round++) await new Promise(setImmediate)
  }

  async stop(): Promise<void> {
    for (const line of this.lines) line.cut()
    await this.end()
    rmSync(this.directory, { recursive: true, force: true })
  }

  private async end(): Promise<void> {
    const { child } = this
    this.probe?.destroy()
    if (child === null || child.exitCode !== null) return
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
}

async function dial(port: number): Promise<Socket | null> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  try {
    await once(socket, 'connect')
    return socket
  } catch {
    return null
  }
}

class SocketLine implements Line {
  isClosed = false
  readonly gone: Promise<void>
  private came: Uint8Array[] = []
  private readonly socket: Socket

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (bytes: Buffer) => void this.came.push(new Uint8Array(bytes)))
    socket.on('error', () => {})
    this.gone = new Promise((resolve) => {
      socket.on('end', () => (this.isClosed = true))
      socket.on('close', () => {
        this.isClosed = true
        resolve()
      })
    })
  }

  send(bytes: Uint8Array): void {
    if (!this.isClosed) this.socket.write(bytes)
  }

  /** Whatever is on its way to the server arrives; nothing more is read. */
  cut(): void {
    this.isClosed = true
    this.socket.end()
  }

  take(): Uint8Array[] {
    return this.came.splice(0)
  }
}
