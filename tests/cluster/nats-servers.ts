/** Real nats-servers on loopback, for one file of tests. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { endWithUs, freeze, orKill } from '../support/children.ts'
import { freePort } from '../support/free-port.ts'
import { processMsMax } from '../support/patience.ts'
import type { Space } from './spaces.ts'

const found = spawnSync(process.execPath, ['scripts/nats-server.mjs'], { encoding: 'utf8' })

/** Why tests that need a server are skipped; false: they need not be. */
export const skipNats: string | false = found.status === 0 ? false : found.stderr.trim()

export interface NatsServer {
  readonly name: string
  readonly port: number
  readonly monitorPort: number
  readonly url: string
  start(): Promise<void>
  kill(signal: NodeJS.Signals): Promise<void>
  pid(): number
  /** SIGSTOP and SIGCONT. */
  freeze(isFrozen: boolean): void
}

export interface NatsServers {
  readonly servers: readonly NatsServer[]
  readonly urls: string[]
  stop(): Promise<void>
}

interface Place {
  readonly name: string
  readonly host: string
  /** Where its process runs; null: here. */
  readonly space: Space | null
  readonly folder: string
  readonly port: number
  readonly monitorPort: number
  readonly routePort: number
}

function configOf(
  place: Place,
  all: readonly Place[],
  sync: string,
  lines: readonly string[],
): string {
  const routes = all.map(({ host, routePort }) => `nats://${host}:${routePort}`)
  const cluster = `cluster { name: test, listen: "${place.host}:${place.routePort}", routes: ${JSON.stringify(routes)} }`
  return [
    `server_name: ${place.name}`,
    `listen: "${place.host}:${place.port}"`,
    `http: "${place.host}:${place.monitorPort}"`,
    'max_control_line: 64KB',
    'max_payload: 8MB',
    'ping_interval: 5s',
    `jetstream { store_dir: "${place.folder}", sync_interval: ${sync} }`,
    ...(all.length > 1 ? [cluster] : []),
    ...lines,
    '',
  ].join('\n')
}

/** Starts `count` servers as one cluster. `sync`: of JetStream, and what stands behind it; `spaces`: each in one of them; `lines`: of configuration, of each. */
export async function startNats(
  count = 1,
  sync = '"2m"',
  spaces: readonly Space[] = [],
  lines: (index: number) => readonly string[] = () => [],
): Promise<NatsServers> {
  const root = mkdtempSync(join(tmpdir(), 'mozzie-nats-'))
  const places: Place[] = []
  for (let index = 0; index < count; index++)
    places.push({
      name: `n${index}`,
      host: spaces[index]?.nodeHost ?? '127.0.0.1',
      space: spaces[index] ?? null,
      folder: join(root, `n${index}`),
      port: await freePort(),
      monitorPort: await freePort(),
      routePort: await freePort(),
    })
  const servers = places.map((place) => serverAt(place, join(root, `${place.name}.conf`)))
  for (const [index, place] of places.entries())
    writeFileSync(join(root, `n${index}.conf`), configOf(place, places, sync, lines(index)))
  await Promise.all(servers.map((server) => server.start()))
  return {
    servers,
    urls: servers.map(({ url }) => url),
    stop: async () => {
      await Promise.all(servers.map((server) => server.kill('SIGKILL')))
      rmSync(root, { recursive: true, force: true })
    },
  }
}

function serverAt(place: Place, config: string): NatsServer {
  const { name, host, port, monitorPort, space } = place
  let child: ChildProcess | null = null
  return {
    name,
    port,
    monitorPort,
    url: `nats://${host}:${port}`,
    async start() {
      const [file, ...args] = [...(space?.enter ?? []), found.stdout.trim(), '-c', config]
      child = endWithUs(spawn(file, args, { stdio: ['ignore', 'ignore', 'ignore'] }))
      // Nothing here has a way into the net of spaces.
      if (space === null) await orKill(child, answering(port))
    },
    async kill(signal) {
      const running = child
      child = null
      if (running === null || running.exitCode !== null || running.signalCode !== null) return
      const ended = once(running, 'exit')
      running.kill(signal)
      await ended
    },
    pid: () => child?.pid ?? 0,
    freeze: (isFrozen) => {
      if (child === null) return
      if (isFrozen) freeze(child)
      else child.kill('SIGCONT')
    },
  }
}

async function answering(port: number): Promise<void> {
  const endMs = performance.now() + processMsMax
  while (performance.now() < endMs) {
    const socket = connect(port, '127.0.0.1')
    const isOpen = await new Promise((resolve) => {
      socket.once('connect', () => resolve(true))
      socket.once('error', () => resolve(false))
    })
    socket.destroy()
    if (isOpen) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`no nats-server on port ${port}`)
}
