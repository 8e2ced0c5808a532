/** Asks a real broker, through real connections, what an ACL file lets clients do. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect, publish } from '../support/packets.ts'
import { RawClient } from '../support/raw-client.ts'
import { until } from '../server/run-mozzie.ts'
import { freePort } from '../support/free-port.ts'
import { endWithUs } from '../support/children.ts'

export interface Subject {
  readonly clientId: string
  readonly username: string | null
}

/** Topics that each subject may read and write, one letter each: `rw`, `r-`, `-w`, `--`. */
export type Decisions = string[][]

export interface AclTarget {
  decide(acl: string, topics: readonly string[]): Promise<Decisions>
}

interface TestContext {
  after(run: () => void | Promise<void>): void
}

const marker = new TextDecoder()
/** Publishes everything; generated files do not name it. */
const publisher = { clientId: 'publisher', username: 'publisher' }
const publisherRules = ['$foo/#', '#'].map((filter) => `topic write ${filter}\n`).join('')
const deniedReason = 0x87

/**
 * @param command The program and its arguments before the configuration file.
 * @param reloadDone The line that it logs when packets that come later are judged by the new file.
 */
export async function startAclTarget(
  context: TestContext,
  directory: string,
  command: readonly [string, ...string[]],
  reloadDone: string,
  subjects: readonly Subject[],
): Promise<AclTarget> {
  const port = await freePort()
  const aclFile = join(directory, `${port}.acl`)
  const confFile = join(directory, `${port}.conf`)
  const listener = `listener ${port} 127.0.0.1\nallow_anonymous true\nuser root\nset_tcp_nodelay true\n`
  writeFileSync(confFile, `${listener}acl_file ${aclFile}\nlog_type all\nlog_dest stderr\n`)
  const rulesOf = (acl: string): string => `${acl}\nuser publisher\n${publisherRules}`
  writeFileSync(aclFile, rulesOf(''))
  const [program, ...args] = command
  const child = endWithUs(
    spawn(program, [...args, '-c', confFile], { stdio: ['ignore', 'ignore', 'pipe'] }),
  )
  const exited = once(child, 'close')
  let log = ''
  let logged = (): void => {}
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text
    logged()
  })
  context.after(async () => {
    child.kill('SIGKILL')
    await exited
  })
  await until(
    () => / running/.test(log),
    () => log,
  )
  const open = async ({ clientId, username }: Subject): Promise<RawClient> => {
    const client = await RawClient.open(port, 5)
    context.after(() => client.destroy())
    client.send(connect(5, { clientId, keepAliveSeconds: 0, username: username ?? undefined }))
    await client.expect('connack', { code: 0 })
    await client.subscribe([{ filter: '#' }, { filter: '$foo/#' }])
    return client
  }
  const root = await open(publisher)
  const clients: RawClient[] = []
  for (const subject of subjects) clients.push(await open(subject))
  let round = 0
  return {
    async decide(acl, topics) {
      writeFileSync(aclFile, rulesOf(acl))
      log = ''
      const reloaded = new Promise<void>((resolve) => {
        logged = () => void (log.includes(reloadDone) && resolve())
      })
      child.kill('SIGHUP')
      // mosquitto looks at signals when a packet wakes it, or ten times a second.
      await root.ping()
      await reloaded
      logged = () => {}
      const mark = `r${++round}`
      const writes: string[] = []
      // The barrier of a write is its PUBACK, that of a read a PINGRESP behind it.
      for (const client of clients) writes.push(await writable(client, topics))
      await writable(root, topics, mark)
      const reads: string[] = []
      for (const client of clients) reads.push(await readable(client, topics, mark))
      root.inbox.length = 0
      return clients.map((_, index) =>
        topics.map((_topic, at) => reads[index][at] + writes[index][at]),
      )
    },
  }
}

/** A `w` for every topic that may be written. */
async function writable(client: RawClient, topics: readonly string[], mark = 'w'): Promise<string> {
  client.send(...topics.map((topic, at) => publish(topic, mark, { qos: 1, packetId: at + 1 })))
  let written = ''
  for (let at = 0; at < topics.length; at++) {
    const { reason } = await client.find('puback', { packetId: at + 1 })
    written += reason === deniedReason ? '-' : 'w'
  }
  return written
}

async function readable(
  client: RawClient,
  topics: readonly string[],
  mark: string,
): Promise<string> {
  await client.ping()
  const came = new Set<string>()
  for (const packet of client.inbox)
    if ('topic' in packet && 'payload' in packet && marker.decode(packet.payload) === mark)
      came.add(packet.topic)
  client.inbox.length = 0
  return topics.map((topic) => (came.has(topic) ? 'r' : '-')).join('')
}
