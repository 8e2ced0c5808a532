/** Users, groups and roles of all nodes, in one process: very many of them, and NATS servers that stand still amid a change. */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { DynamicSecurity, type DynamicWorld } from '../../src/auth/dynamic/dynamic-security.ts'
import type { DynamicState } from '../../src/auth/dynamic/model.ts'
import { readState } from '../../src/auth/dynamic/read-state.ts'
import { formatState } from '../../src/auth/dynamic/write-state.ts'
import type { ClusterNode } from '../../src/cluster/cluster-node.ts'
import { shareUsers, type SharedUsers } from '../../src/server/shared-users.ts'
import { testMsMax } from '../support/patience.ts'
import { startNats, type NatsServer } from './nats-servers.ts'
import { overNats, stageOn, until, type Stage } from './support/stage.ts'

const USERS = 30_000
const CHANGES = 8
/** Of both nodes together, the copies of their files included; when each change was the whole text it was 2000. */
const CPU_MS_A_CHANGE = 900
/** Nobody is served in between; it was 1000. */
const CPU_MS_AT_A_TIME = 600
const HASH = '$7$1$c2FsdA==$aGFzaA=='
const GUARD = 'Nats-Expected-Last-Subject-Sequence'
/** Longer than a question waits for its answer. */
const FROZEN_MS = 6000
/** Longer than all that is asked until a change is refused. */
const LONGEST_MS = 30_000
/** Longer than a server stands still, and a busy machine with it. */
const LEASE_MS = 600_000
/** When the server stands still: before this is sent. */
const MOMENTS = ['anything', 'a part', 'the record'] as const
type Moment = (typeof MOMENTS)[number]

class Member {
  readonly dynamic: DynamicSecurity
  readonly failures: string[] = []
  node!: ClusterNode
  private users!: SharedUsers

  constructor(file: string, state: DynamicState) {
    this.dynamic = new DynamicSecurity(file, state)
  }

  async join(stage: Stage, name: string): Promise<this> {
    const broker = { recheckLogins() {}, kickUser() {} } as never
    const log = { mask: 0, write() {} }
    const { node } = await stage.join(name, { leaseMs: LEASE_MS }, (joining) => {
      this.users = shareUsers(joining, () => this.dynamic, broker, log)
    })
    this.node = node
    return this
  }

  /** Resolves when all act on it; to what it was answered. `decided`: that is known. */
  async command(command: string, more: object, decided?: () => void): Promise<string | undefined> {
    const world: DynamicWorld = {
      share: this.users.share,
      hashPassword: () => Promise.resolve(HASH),
      connections: () => new Map(),
      changed() {},
      failed: ({ message }) => void this.failures.push(message),
    }
    const { responses } = await this.dynamic.execute([{ command, ...more }], world)
    decided?.()
    await this.users.everywhere()
    return responses[0].error
  }

  has(username: string): boolean {
    return this.dynamic.state.clients.has(username)
  }
}

const NOBODY = readState('{"clients":[],"groups":[],"roles":[]}', 'f').state

/** All in one group, each with a password. */
function crowd(count: number): DynamicState {
  const file = {
    roles: [{ rolename: 'r', acls: [] }],
    clients: [{ username: 'u', encoded_password: HASH, roles: [{ rolename: 'r' }] }],
    groups: [{ groupname: 'all', roles: [], clients: [] }],
  }
  const { state } = readState(JSON.stringify(file), 'f')
  const [client] = state.clients.values()
  const [group] = state.groups.values()
  const names = Array.from({ length: count }, (_, at) => `user${at}`)
  const members = names.map((name) => ({ name, priority: -1 }))
  return {
    ...state,
    clients: new Map(names.map((username) => [username, { ...client, username }])),
    groups: new Map([['all', { ...group, clients: members }]]),
  }
}

function folderOf(context: Pick<TestContext, 'after'>): string {
  const folder = mkdtempSync(join(tmpdir(), 'mozzie-shared-'))
  // A copy may just be written: each attempt looks at what is there anew, and lets the writing go on.
  context.after(() => rm(folder, { recursive: true, force: true, maxRetries: 50 }))
  return folder
}

/** The most CPU time that this process takes from one turn of the loop to the next, until `end`. */
function watchTurns(): { end(): number } {
  const cpuMs = (): number => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  }
  let lastMs = cpuMs()
  let longestMs = 0
  const look = (): void => {
    const nowMs = cpuMs()
    longestMs = Math.max(longestMs, nowMs - lastMs)
    lastMs = nowMs
  }
  const timer = setInterval(look, 1).unref()
  return {
    end() {
      clearInterval(timer)
      look()
      return longestMs
    },
  }
}

overNats('users that all nodes share', (nats) => {
  test(
    `a change of one of ${USERS} users costs each node little, and keeps nobody waiting`,
    { timeout: testMsMax },
    async (context) => {
      const folder = folderOf(context)
      const stage = nats.stage(context)
      const a = await new Member(join(folder, 'a'), crowd(USERS)).join(stage, 'a')
      const b = await new Member(join(folder, 'b'), NOBODY).join(stage, 'b')
      assert.equal(b.dynamic.state.clients.size, USERS)
      const turns = watchTurns()
      const before = process.cpuUsage()
      for (let at = 0; at < CHANGES; at++) {
        const groups = [{ groupname: 'all' }]
        const more = { username: `new${at}`, password: 'p', groups }
        assert.equal(await a.command('createClient', more), undefined)
        assert.ok(b.has(`new${at}`))
      }
      const { user, system } = process.cpuUsage(before)
      const eachMs = (user + system) / 1000 / CHANGES
      const longestMs = turns.end()
      context.diagnostic(`${Math.round(eachMs)} ms each, ${Math.round(longestMs)} ms at a time`)
      assert.ok(eachMs < CPU_MS_A_CHANGE, `${eachMs} ms`)
      assert.ok(longestMs < CPU_MS_AT_A_TIME, `${longestMs} ms`)
      assert.ok(formatState(b.dynamic.state) === formatState(a.dynamic.state))
    },
  )

  test('many changes one after the other, from two nodes, are the same to a node that comes', async (context) => {
    const folder = folderOf(context)
    const stage = nats.stage(context)
    const members: Member[] = []
    for (const name of ['a', 'b'])
      members.push(await new Member(join(folder, name), NOBODY).join(stage, name))
    const [a, b] = members
    for (let at = 0; at < 100; at++) {
      const member = members[at % 2]
      assert.equal(await member.command('createRole', { rolename: `r${at}` }), undefined)
      if (at % 3 === 0) await member.command('deleteRole', { rolename: `r${at}` })
    }
    const c = await new Member(join(folder, 'c'), NOBODY).join(stage, 'c')
    const text = formatState(a.dynamic.state)
    assert.equal(formatState(b.dynamic.state), text)
    assert.equal(formatState(c.dynamic.state), text)
    assert.deepEqual([a.failures, b.failures], [[], []])
    // The files are copies.
    for (const { dynamic } of [a, b, c])
      await until(() => existsSync(dynamic.file) && readFileSync(dynamic.file, 'utf8') === text)
  })

  test(
    'NATS stands still amid a change: what is answered holds at all nodes or at none, and who is known may come in meanwhile',
    { timeout: testMsMax },
    async () => {
      await Promise.all(MOMENTS.map(frozenBefore))
    },
  )
})

async function frozenBefore(what: Moment): Promise<void> {
  const alone = await startNats()
  const goOn = (): void => alone.servers[0].freeze(false)
  const ends: (() => unknown)[] = []
  const context = { after: (end: () => unknown) => void ends.unshift(end) }
  try {
    const folder = folderOf(context)
    const stage = stageOn(alone, context as never)
    const a = await new Member(join(folder, 'a'), NOBODY).join(stage, 'a')
    const b = await new Member(join(folder, 'b'), NOBODY).join(stage, 'b')
    await createUser(a, 'known')
    const frozen = freezeBefore(a, what, alone.servers[0])
    if (what === 'anything') await frozen
    const isWaitedFor = what === 'the record'
    const answer = await answerBehind(frozen, () =>
      a.command('createClient', userOf('new'), isWaitedFor ? undefined : goOn),
    )
    assert.ok(a.has('known') && b.has('known'))
    void sleep(isWaitedFor ? FROZEN_MS : LONGEST_MS, undefined, { ref: false }).then(goOn)
    const error = await answer()
    // What was not even written down is refused; what was is waited for, also where an answer was on its way before.
    assert.ok(error === undefined || (error === REFUSED && !isWaitedFor), error)
    assert.deepEqual([a.has('new'), b.has('new')], Array(2).fill(error === undefined))
    await createUser(b, 'next')
    assert.ok(a.has('next'))
    assert.deepEqual([a.has('new'), b.has('new')], Array(2).fill(error === undefined))
  } finally {
    goOn()
    try {
      for (const end of ends) await end()
    } finally {
      // As long as a server runs this process does not end.
      await alone.stop()
    }
  }
}

const userOf = (username: string): object => ({ username, password: 'p' })

/** Of a change that did not come to be, for NATS was slower than it may be. */
const REFUSED = 'Internal error'

async function createUser(member: Member, username: string): Promise<void> {
  let error: string | undefined
  do error = await member.command('createClient', userOf(username))
  while (error === REFUSED)
  assert.equal(error, undefined)
}

/** The answer to the attempt that came as far as the server's standing still. */
async function answerBehind<T>(
  frozen: Promise<void>,
  attempt: () => Promise<T>,
): Promise<() => Promise<T>> {
  for (;;) {
    const answer = attempt()
    const isFrozen = frozen.then(() => true)
    if (await Promise.race([isFrozen, answer.then(() => false)])) return () => answer
  }
}

/** Resolves when the server stands still. */
function freezeBefore({ node: { wire } }: Member, what: Moment, server: NatsServer): Promise<void> {
  const freeze = (): void => server.freeze(true)
  if (what === 'anything') return Promise.resolve(freeze())
  const put = wire.put.bind(wire)
  return new Promise((resolve) => {
    wire.put = (subject, data, headers) => {
      const isRecord = headers?.[GUARD] !== undefined
      if (!subject.includes('.k.') || isRecord !== (what === 'the record'))
        return put(subject, data, headers)
      wire.put = put
      freeze()
      resolve()
      return put(subject, data, headers)
    }
  })
}
