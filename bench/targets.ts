/** The brokers to measure: which are here, and how each is started. */
import { existsSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { complete, freePort, startServer, type RunningTarget } from './processes.ts'
import type { Peer, Scenario, TargetName } from './scenario.ts'

/** What was found on this machine to run; a target without a command cannot be measured. */
export interface Tools {
  readonly scratch: string
  readonly mozzie: string | undefined
  readonly mosquitto: string | undefined
  readonly mosquittoVersion: string
  readonly mqload: string | undefined
  readonly mqlimit: string | undefined
  readonly peers: readonly Peer[]
  /** Put before a load client's command: binds it to the last core. Empty where that cannot be done. */
  readonly pin: readonly string[]
  /** Why something above is missing. */
  readonly notes: readonly string[]
}

const INSTALL_LIMIT_MS = 180_000
const COMPILE_LIMIT_MS = 60_000

/**
 * Looks for the brokers, installs mosquitto when it may, compiles the C tools when they are at
 * hand.
 */
export async function findTools(scratch: string, peers: readonly Peer[]): Promise<Tools> {
  const notes: string[] = []
  const mozziePath = resolve('bin/mozzie')
  const mozzie = existsSync(mozziePath) ? mozziePath : undefined
  if (mozzie === undefined) notes.push('bin/mozzie is missing: mozzie is not measured')
  const mosquitto = await findMosquitto()
  if (mosquitto === undefined) notes.push('mosquitto is missing and could not be installed')
  const [mqload, mqlimit] = await Promise.all([
    compileC('mqload', scratch),
    compileC('mqlimit', scratch),
  ])
  if (mqlimit === undefined || mqload === undefined) {
    notes.push('gcc or ../shared/bench is missing: no floor, and no check of the load client')
  }
  const pin = await pinToLastCore()
  if (pin.length === 0) {
    notes.push('the load client cannot have a core of its own: expect uneven figures')
  }
  const mosquittoVersion = mosquitto === undefined ? '' : await versionOf(mosquitto)
  return { scratch, mozzie, mosquitto, mosquittoVersion, mqload, mqlimit, peers, pin, notes }
}

/**
 * Left alone, the scheduler at times puts broker and load client, which keep waking each other, on
 * one core, and the rate halves. So the client gets the last core and a broker's main thread the
 * others; the helper threads that the broker started with may use any.
 */
async function pinToLastCore(): Promise<string[]> {
  if (cpus().length < 2) return []
  const prefix = ['taskset', '-c', String(cpus().length - 1)]
  const tried = await complete(prefix[0], [...prefix.slice(1), 'true'], 5000)
  return tried.code === 0 ? prefix : []
}

async function which(...names: readonly string[]): Promise<string | undefined> {
  for (const name of names) {
    const found = await complete('sh', ['-c', 'command -v "$1"', 'sh', name], 5000)
    if (found.code === 0) return found.stdout.trim()
  }
  return undefined
}

async function findMosquitto(): Promise<string | undefined> {
  const names = ['mosquitto', '/usr/sbin/mosquitto', '/usr/local/sbin/mosquitto']
  const found = await which(...names)
  if (found !== undefined) return found
  if (process.getuid?.() !== 0 || (await which('apt-get')) === undefined) return undefined
  const install = ['install', '-y', '--no-install-recommends', 'mosquitto']
  const first = await complete('apt-get', install, INSTALL_LIMIT_MS)
  if (first.code !== 0) {
    await complete('apt-get', ['update'], INSTALL_LIMIT_MS)
    await complete('apt-get', install, INSTALL_LIMIT_MS)
  }
  return which(...names)
}

async function versionOf(mosquitto: string): Promise<string> {
  const { stdout } = await complete(mosquitto, ['-h'], 5000)
  return /mosquitto version (\S+)/.exec(stdout)?.[1] ?? 'unknown'
}

async function compileC(name: string, scratch: string): Promise<string | undefined> {
  const source = resolve('../shared/bench', `${name}.c`)
  if (!existsSync(source)) return undefined
  const binary = join(scratch, name)
  const built = await complete('gcc', ['-O2', '-w', '-o', binary, source], COMPILE_LIMIT_MS)
  return built.code === 0 ? binary : undefined
}

export function canRun(tools: Tools, target: TargetName): boolean {
  if (target === 'mozzie') return tools.mozzie !== undefined
  if (target === 'mosquitto') return tools.mosquitto !== undefined
  if (target === 'floor') return tools.mqlimit !== undefined
  return true
}

/** A certificate for the run, made by our own `tls-init` and served by every target. */
async function tlsLines({ scratch, mozzie }: Tools): Promise<string> {
  const directory = join(scratch, 'tls')
  if (!existsSync(directory)) {
    const made = await complete(
      process.execPath,
      [mozzie ?? '', 'tls-init', directory, '--host', 'localhost'],
      COMPILE_LIMIT_MS,
    )
    if (made.code !== 0) throw new Error(`tls-init failed: ${made.stderr}`)
  }
  return `certfile ${directory}/server.crt\nkeyfile ${directory}/server.key\n`
}

/** Another build of this broker. */
function isBuild({ peers }: Tools, target: TargetName): boolean {
  return peers.some(({ name, command }) => name === target && /\bmozzie -c /.test(command))
}

/** Of words only: what needs a shell goes into a script. */
function peerCommand({ peers }: Tools, target: TargetName, port: number, conf: string): string[] {
  const command = peers.find(({ name }) => name === target)?.command ?? ''
  const words = command.split(/\s+/).filter((word) => word !== '')
  return words.map((word) => word.replaceAll('{port}', String(port)).replaceAll('{conf}', conf))
}

/**
 * Starts a fresh process of the target on a free port; our broker and mosquitto read the same file. With a
 * `dataDirectory` it keeps its state there.
 */
export async function startTarget(
  tools: Tools,
  target: TargetName,
  dataDirectory: string | null,
  { tls, lines = '', ownLines = '' }: Pick<Scenario, 'tls' | 'lines' | 'ownLines'>,
): Promise<RunningTarget> {
  const port = await freePort()
  const conf = join(tools.scratch, `${target}.conf`)
  const durable =
    dataDirectory === null
      ? ''
      : `persistence true\npersistence_location ${dataDirectory}/\nmax_queued_messages 0\n`
  // A build to compare with is ours as well.
  const isOurs = target !== 'mosquitto' && (target === 'mozzie' || isBuild(tools, target))
  const user = process.getuid?.() === 0 ? 'user root\n' : ''
  writeFileSync(
    conf,
    `${user}listener ${port} 127.0.0.1\nallow_anonymous true\n${durable}${tls === true ? await tlsLines(tools) : ''}${lines}${isOurs ? ownLines : ''}`,
  )
  const commands: Readonly<Record<string, readonly string[] | undefined>> = {
    mozzie: [tools.mozzie ?? '', '-c', conf],
    mosquitto: [tools.mosquitto ?? '', '-c', conf],
    aedes: [
      process.execPath,
      fileURLToPath(new URL('./targets/aedes.js', import.meta.url)),
      String(port),
    ],
    floor: [tools.mqlimit ?? '', String(port)],
  }
  const log = join(tools.scratch, `${target}.log`)
  const command = commands[target] ?? peerCommand(tools, target, port, conf)
  const running = await startServer(command, port, log)
  if (tools.pin.length > 0) {
    const mainThread = ['-p', '-c', `0-${cpus().length - 2}`, String(running.pid)]
    await complete('taskset', mainThread, 5000)
  }
  return running
}
