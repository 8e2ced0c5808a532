/** Users, groups and roles that are changed while the broker runs, in mosquitto's file. */
import { setImmediate } from 'node:timers/promises'
import { Kinds, type PasswordEntry } from '../password-file.ts'
import {
  dummyLike,
  formatPasswordHash,
  newPasswordHash,
  type PasswordHash,
} from '../password-hash.ts'
import type { AclSubject } from '../placeholders.ts'
import { replaceFile, stampOf, WrittenByOthersError } from '../replace-file.ts'
import { KEPT_CHARACTERS_MAX } from '../short-key.ts'
import { onlyReads, runCommand, type CommandResponse, type Outcome } from './commands.ts'
import { draftOf, noKicks, viewOf, type CommandWorld, type Draft, type Kicks } from './draft.ts'
import type { DynamicState } from './model.ts'
import { NEW_PASSWORD_ITERATIONS } from './new-password.ts'
import { RoleRights } from './role-rights.ts'
import { formatState } from './write-state.ts'

export interface DynamicWorld extends CommandWorld {
  /** Puts a text on the disk for good; the test of what happens when that fails has another. */
  readonly save?: (file: string, text: string) => Promise<void>
  /**
   * Gives a state to all nodes of a cluster; the file is a copy then.
   *
   * @param isStale Whether another state is in force than this one was made of.
   * @param taken Called when the nodes have it: before any other text is put in force here.
   * @returns false: another node was faster. Once its state is in force the commands are for that one.
   */
  readonly share?: (
    state: DynamicState,
    isStale: () => boolean,
    taken: () => void,
  ) => Promise<boolean>
  /** Told of every change, when it is in force and on the disk. */
  changed(changes: readonly NonNullable<Outcome['change']>[]): void
  /** Told of a change that could not be saved, and is not in force. */
  failed(error: Error): void
}

/** What commands came to. The kicks are for the caller, behind the answer. */
export interface Executed {
  readonly responses: readonly CommandResponse[]
  readonly kicks: Kicks
}

/** Rights of so many clients that need not be connected are kept. */
const RIGHTS_MAX = 10_000
/** So long commands of one payload may keep everybody else waiting. */
const TURN_MS = 10
/** So many passwords say what most are like. */
const HASHES_LOOKED_AT = 1000

/** What the passwords of a revision look like. */
interface KnownHashes {
  readonly revision: number
  readonly kinds: Kinds<PasswordHash>
  readonly dummy: PasswordEntry
}

export class DynamicSecurity {
  readonly file: string
  /** All nodes of a cluster have it: the file is not read any more. */
  isShared = false
  /** Another number whenever rights may be others. */
  revision = 1
  private current: DynamicState
  /** Of the file, when its text was the state that is in force. */
  private stamp: string | null
  private known: KnownHashes | null = null
  private last: Promise<unknown> = Promise.resolve()
  private readonly rights = new Map<string, RoleRights>()

  constructor(file: string, state: DynamicState) {
    this.file = file
    this.current = state
    this.stamp = stampOf(file)
  }

  get state(): DynamicState {
    return this.current
  }

  /** What passwords of unknown users are checked against: the time must not tell them from known ones. */
  get dummy(): PasswordEntry {
    return this.hashes().dummy
  }

  /** As of a password file. */
  usual(scheme: PasswordHash['scheme']): PasswordHash | undefined {
    return this.hashes().kinds.usual(scheme)
  }

  private hashes(): KnownHashes {
    const { known, revision } = this
    if (known !== null && known.revision === revision) return known
    const kinds = new Kinds<PasswordHash>()
    let count = 0
    for (const { hash } of this.current.clients.values()) {
      if (hash !== null) kinds.add(hash, hash)
      if (hash !== null && ++count === HASHES_LOOKED_AT) break
    }
    const fresh = newPasswordHash('sha512-pbkdf2', NEW_PASSWORD_ITERATIONS)
    const hash = dummyLike(kinds.usual() ?? fresh)
    this.known = { revision, kinds, dummy: { encoded: formatPasswordHash(hash), hash } }
    return this.known
  }

  /** The password of a user; undefined: none, or nobody here knows them. */
  credentialOf(username: string): PasswordEntry | undefined {
    const client = this.current.clients.get(username)
    if (client === undefined || client.hash === null || client.encoded === null) return undefined
    return { encoded: client.encoded, hash: client.hash }
  }

  /** Whether a user who is known here may come with this client id; unknown ones are not refused here. */
  welcomes(username: string, clientId: string): boolean {
    const client = this.current.clients.get(username)
    if (client === undefined) return true
    return !client.disabled && (client.clientid === null || client.clientid === clientId)
  }

  /** What a client may do; the same object for all of a user, where the client id does not matter. */
  rightsOf(subject: AclSubject): RoleRights {
    const user = JSON.stringify(this.isKnown(subject) ? subject.username : '')
    const known = this.rights.get(user)
    if (known !== undefined && !known.isPersonal) return known
    const key = known === undefined ? user : `${user} ${subject.clientId}`
    const kept = known === undefined ? undefined : this.rights.get(key)
    if (kept !== undefined) return kept
    const rights = new RoleRights(this.current, subject)
    // The client id stands in the rules of its client as well.
    if (rights.isPersonal && subject.clientId.length > KEPT_CHARACTERS_MAX) return rights
    if (this.rights.size >= RIGHTS_MAX) this.rights.clear()
    this.rights.set(user, rights)
    if (rights.isPersonal) this.rights.set(`${user} ${subject.clientId}`, rights)
    return rights
  }

  /** Users that nobody knows are one: they may not grow the table by inventing names. */
  private isKnown({ username }: AclSubject): boolean {
    return username === null || this.current.clients.has(username)
  }

  /** Puts another state in force: what is in the file now. */
  replace(state: DynamicState): void {
    this.current = state
    this.stamp = stampOf(this.file)
    this.revision++
    this.rights.clear()
  }

  /**
   * Carries out a payload of commands, behind those before it. Resolves when what it changed is on the disk and in
   * force. Never rejects.
   */
  execute(list: readonly unknown[], world: DynamicWorld): Promise<Executed> {
    const run = this.last.then(() => this.run(list, world))
    this.last = run
    return run
  }

  private async run(list: readonly unknown[], world: DynamicWorld): Promise<Executed> {
    for (;;) {
      const done = await this.attempt(list, world)
      if (done !== null) return done
    }
  }

  /** null: another node has changed the state meanwhile. */
  private async attempt(list: readonly unknown[], world: DynamicWorld): Promise<Executed | null> {
    const { revision } = this
    const asked = askedOnce(world)
    const draft = onlyReads(list) ? viewOf(this.current, asked) : draftOf(this.current, asked)
    const outcomes: Outcome[] = []
    let startMs = performance.now()
    for (const item of list) {
      outcomes.push(await safely(draft, item, world))
      if (performance.now() - startMs < TURN_MS) continue
      await setImmediate()
      startMs = performance.now()
    }
    const responses = outcomes.map(({ response }) => response)
    const changes = outcomes.flatMap(({ change }) => (change === null ? [] : [change]))
    if (changes.length === 0) return { responses, kicks: noKicks() }
    const state = stateOf(draft)
    try {
      const isMade = await this.keep(state, world, () => this.revision !== revision)
      if (!isMade) return null
    } catch (error) {
      world.failed(error as Error)
      return { responses: outcomes.map(notSaved), kicks: noKicks() }
    }
    world.changed(changes)
    return { responses, kicks: draft.kicks }
  }

  /** Puts a state on the disk, or into the cluster, and in force; false: there is a newer one. */
  private async keep(
    state: DynamicState,
    { share, save = replaceFile }: DynamicWorld,
    isStale: () => boolean,
  ): Promise<boolean> {
    if (share !== undefined) return await share(state, isStale, () => this.replace(state))
    const there = stampOf(this.file)
    if (there !== null && there !== this.stamp) throw new WrittenByOthersError(this.file)
    await save(this.file, formatState(state))
    this.replace(state)
    return true
  }
}

/** Who is connected is asked once a payload, however many of its commands want to know. */
function askedOnce(world: DynamicWorld): DynamicWorld {
  let known: ReturnType<DynamicWorld['connections']> | null = null
  return { ...world, connections: () => (known ??= world.connections()) }
}

/** A fault of ours is answered too; it changes nothing more than it did already. */
async function safely(draft: Draft, item: unknown, world: DynamicWorld): Promise<Outcome> {
  try {
    return await runCommand(draft, item)
  } catch (error) {
    world.failed(error as Error)
    return { response: { command: 'Unknown command', error: 'Internal error' }, change: null }
  }
}

function notSaved({ response, change }: Outcome): CommandResponse {
  if (change === null) return response
  const { command, correlationData } = response
  const more = correlationData === undefined ? {} : { correlationData }
  return { command, error: 'Internal error', ...more }
}

function stateOf({
  clients,
  groups,
  roles,
  access,
  anonymousGroup,
  changeIndex,
}: Draft): DynamicState {
  return { clients, groups, roles, access, anonymousGroup, changeIndex }
}
