/** The topic tree as lines: what is expanded, in the order asked for, the part that is on screen. */
import type { TreeSort } from '../protocol/protocol.ts'
import { orderOf } from './order.ts'
import { Pace } from './pace.ts'
import type { Node, Topic, Topics } from './topics.ts'

const ORDERS: Record<Exclude<TreeSort, 'name'>, (a: Node, b: Node) => number> = {
  messages: (a, b) => b.messages - a.messages,
  recent: (a, b) => b.lastMs - a.lastMs,
}

/** Nodes beside each other in this order. */
export function sortedNodes(nodes: Iterable<Node>, sort: TreeSort): Node[] {
  const all = [...nodes]
  if (sort !== 'name') return all.sort(ORDERS[sort])
  const order = orderOf(all.map(({ level }) => level))
  return all.sort((a, b) => order(a.level, b.level))
}

/** Every node below, in no order. A topic may have thousands of levels, so this is no recursion. */
function* below(root: Node): Generator<Node> {
  const waiting = [root]
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    yield node
    if (node.children !== null) for (const child of node.children.values()) waiting.push(child)
  }
}

/** All topics, level by level in the order of names. */
export function topicsByName(root: Node): Topic[] {
  const topics: Topic[] = []
  const waiting = [root]
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (node.topic !== null) topics.push(node.topic)
    if (node.children === null) continue
    for (const child of sortedNodes(node.children.values(), 'name').toReversed())
      waiting.push(child)
  }
  return topics
}

/** The full name of what a node stands for: a topic, or the beginning of some. */
export function pathOf(node: Node): string {
  const levels: string[] = []
  for (let at = node; at.parent !== null; at = at.parent) levels.push(at.level)
  return levels.toReversed().join('/')
}

export class TreeView {
  private readonly topics: Topics
  private shown: Node[] = []
  private shape = -1
  private stale = true
  private sort: TreeSort = 'name'
  private filter = ''
  /** New topics wait for each other; what a person does is seen at once. */
  private readonly pace = new Pace()

  constructor(topics: Topics) {
    this.topics = topics
  }

  /** Orders and filters (case does not matter); topics that hold the text are shown with all above them. */
  show(sort: TreeSort, filter: string): void {
    const wanted = filter.trim().toLowerCase()
    if (sort === this.sort && wanted === this.filter) return
    this.sort = sort
    this.filter = wanted
    this.resort()
  }

  /** There are topics that no picture has shown yet. */
  get isBehind(): boolean {
    return this.shape !== this.topics.shape
  }

  /** To be called now and then: an order by messages or time goes stale. */
  freshen(): void {
    if (this.sort !== 'name' && this.pace.isDue) this.resort()
  }

  /** Orders anew, at once. */
  resort(): void {
    if (this.sort !== 'name' || this.filter === '')
      for (const node of below(this.topics.root)) node.sorted = null
    this.stale = true
  }

  setExpanded(path: string, expanded: boolean): void {
    const node = this.find(path)
    if (node === null) return
    node.expanded = expanded
    this.stale = true
  }

  /** Expands or collapses everything. */
  setAllExpanded(expanded: boolean): void {
    for (const node of below(this.topics.root)) node.expanded = expanded || node.parent === null
    this.stale = true
  }

  find(path: string): Node | null {
    let at: Node | undefined = this.topics.root
    for (const level of path.split('/')) {
      at = at.children?.get(level)
      if (at === undefined) return null
    }
    return at
  }

  lines(): readonly Node[] {
    const isNew = this.shape !== this.topics.shape && this.pace.isDue
    if (!isNew && !this.stale) return this.shown
    return this.pace.run(() => this.rebuild())
  }

  private rebuild(): readonly Node[] {
    this.shape = this.topics.shape
    this.stale = false
    const matching = this.filter === '' ? null : this.matching()
    this.shown = this.flattened(matching)
    return this.shown
  }

  private flattened(matching: Set<Node> | null): Node[] {
    const lines: Node[] = []
    const waiting = this.childrenOf(this.topics.root)
    for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
      if (matching !== null && !matching.has(node)) continue
      lines.push(node)
      if (node.expanded || matching !== null)
        for (const child of this.childrenOf(node)) waiting.push(child)
    }
    return lines
  }

  /** The last one first. */
  private childrenOf(node: Node): Node[] {
    if (node.children === null) return []
    node.sorted ??= sortedNodes(node.children.values(), this.sort)
    return node.sorted.toReversed()
  }

  private matching(): Set<Node> {
    const found = new Set<Node>()
    for (const topic of this.topics.all()) {
      if (!topic.name.toLowerCase().includes(this.filter)) continue
      for (let at: Node | null = topic.node; at !== null && !found.has(at); at = at.parent) {
        found.add(at)
      }
    }
    return found
  }
}
