/** What files of tests about nodes have in common: a nats-server of their own, and nodes that end with the test. */
import assert from 'node:assert/strict'
import { after, before, test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ClusterNode } from '../../../src/cluster/cluster-node.ts'
import type { ClusterOptions } from '../../../src/cluster/cluster-options.ts'
import { ClusterStore } from '../../../src/cluster/cluster-store.ts'
import { Door } from '../../store/door.ts'
import { waitMsMax } from '../../support/patience.ts'
import { skipNats, startNats, type NatsServers } from '../nats-servers.ts'
import { newName, newNode } from '../nodes.ts'

export interface Place {
  readonly node: ClusterNode
  /** Its store, open. */
  readonly door: Door
}

/** A cluster of its own on the servers of the file. */
export interface Stage {
  readonly cluster: string
  /** Resolves when it has joined; it is cut off behind the test. `prepare`: what is done to it before it joins. */
  join(
    name: string,
    more?: Partial<ClusterOptions>,
    prepare?: (node: ClusterNode) => void,
  ): Promise<Place>
  joinAll(...names: string[]): Promise<Place[]>
}

export interface StagedServers extends NatsServers {
  stage(context: TestContext): Stage
}

/** Defines tests over nats-servers; where there can be none, one that says why it is skipped. `nats`: there once a test runs. */
export function overNats(
  title: string,
  define: (nats: StagedServers) => void,
  start = (): Promise<NatsServers> => startNats(),
): void {
  if (skipNats !== false) return void test(title, { skip: skipNats }, () => {})
  const nats = { stage: (context: TestContext) => stageOn(nats, context) } as StagedServers
  before(async () => void Object.assign(nats, await start()))
  after(() => nats.stop())
  define(nats)
}

export function stageOn({ urls }: NatsServers, context: TestContext): Stage {
  const cluster = newName()
  const join: Stage['join'] = async (name, more, prepare) => {
    const node = newNode(urls, cluster, name, more)
    prepare?.(node)
    const door = doorOf(node)
    context.after(() => node.cut())
    return { node, door: await door.open() }
  }
  return { cluster, join, joinAll: (...names) => Promise.all(names.map((name) => join(name))) }
}

/** A node's store with what it tells; not open yet. */
export function doorOf(node: ClusterNode): Door {
  const store = new ClusterStore(node)
  return new Door({ store: () => store, dispose: async () => {} }, node.options.node)
}

/** Resolves when it holds; fails when that takes longer than anything should. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  why: () => string = () => 'it does not come',
): Promise<void> {
  for (const endMs = performance.now() + waitMsMax; !(await condition()); await sleep(5))
    assert.ok(performance.now() < endMs, why())
}
