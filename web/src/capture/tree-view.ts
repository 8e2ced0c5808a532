/** The topic tree as lines: what is expanded, in the order asked for, the part that is on screen. */
import type { TreeSort } from '../protocol/protocol.ts'
import { Pace } from './pace.ts'
import type { Node, Topics } from './topics.ts'

const collator = new Intl.Collator(undefined, { numeric: true })

const ORDERS: Record<TreeSort, (a: Node, b: Node) => number> = {
  name: (a, b) => collator.compare(a.level, b.level),
  messages: (a, b) => b.messages - a.messages,
  recent: (a, b) => b.lastMs - a.lastMs,
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
    const visit = (node: Node) => {
      node.sorted = null
      for (const child of node.children?.values() ?? []) visit(child)
    }
    if (this.sort !== 'name' || this.filter === '') visit(this.topics.root)
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
    const visit = (node: Node) => {
      node.expanded = expanded || node.parent === null
      for (const child of node.children?.values() ?? []) visit(child)
    }
    visit(this.topics.root)
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
    const lines: Node[] = []
    this.flatten(this.topics.root, matching, lines)
    this.shown = lines
    return lines
  }

  private flatten(node: Node, matching: Set<Node> | null, lines: Node[]): void {
    if (node.children === null) return
    node.sorted ??= [...node.children.values()].sort(ORDERS[this.sort])
    for (const child of node.sorted) {
      if (matching !== null && !matching.has(child)) continue
      lines.push(child)
      if (child.expanded || matching !== null) this.flatten(child, matching, lines)
    }
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
