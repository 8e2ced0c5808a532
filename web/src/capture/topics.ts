/** Topics as numbers, with what is known of each, and the tree that they form. */

/** One level of a topic. */
export interface Node {
  readonly level: string
  readonly parent: Node | null
  readonly depth: number
  children: Map<string, Node> | null
  /** Children in the order of the last sort; null: to be sorted again. */
  sorted: Node[] | null
  /** The topic that ends here. */
  topic: Topic | null
  /** Messages on topics at or below this level, ever. */
  messages: number
  /** Topics at or below this level. */
  topics: number
  /** Time of the last message at or below, milliseconds since 1970. */
  lastMs: number
  expanded: boolean
}

export interface Topic {
  readonly id: number
  readonly name: string
  readonly node: Node
  /** Messages of it that the ring keeps. */
  kept: number
  /** Messages of it, ever. */
  messages: number
  /** Its last message; -1: none yet. */
  lastSeq: number
  lastMs: number
  /** The last payload, kept here when the ring had to let go of it. */
  saved: Uint8Array | null
  /** A retained message is on it, as far as was seen. */
  retained: boolean
}

function newNode(level: string, parent: Node | null): Node {
  return {
    level,
    parent,
    depth: parent === null ? -1 : parent.depth + 1,
    children: null,
    sorted: null,
    topic: null,
    messages: 0,
    topics: 0,
    lastMs: 0,
    expanded: parent === null,
  }
}

export class Topics {
  readonly root = newNode('', null)
  /** Grows whenever the tree's shape does: who shows it knows when to look again. */
  shape = 0
  /** Topics that made room for others. */
  forgotten = 0
  /** Called with each topic that makes room. */
  onForget: (topic: Topic) => void = () => {}

  private readonly byName = new Map<string, Topic>()
  private readonly slots: (Topic | null)[] = []
  private readonly free: number[] = []
  private readonly countMax: number

  /** At most `countMax` topics; those without a kept message make room. It must exceed what the ring keeps. */
  constructor(countMax: number) {
    this.countMax = countMax
  }

  get count(): number {
    return this.byName.size
  }

  all(): IterableIterator<Topic> {
    return this.byName.values()
  }

  find(name: string): Topic | undefined {
    return this.byName.get(name)
  }

  byId(id: number): Topic | null {
    return this.slots[id] ?? null
  }

  /** The topic of this name, made if need be. */
  intern(name: string): Topic {
    const known = this.byName.get(name)
    if (known !== undefined) return known
    if (this.byName.size >= this.countMax) this.sweep()
    const id = this.free.pop() ?? this.slots.length
    const node = this.nodeOf(name)
    const topic: Topic = {
      id,
      name,
      node,
      kept: 0,
      messages: 0,
      lastSeq: -1,
      lastMs: 0,
      saved: null,
      retained: false,
    }
    node.topic = topic
    this.slots[id] = topic
    this.byName.set(name, topic)
    for (let at: Node | null = node; at !== null; at = at.parent) at.topics++
    this.shape++
    return topic
  }

  /** Counts a message along the path from its topic to the root. */
  countMessage(topic: Topic, timeMs: number): void {
    topic.messages++
    topic.lastMs = timeMs
    for (let at: Node | null = topic.node; at !== null; at = at.parent) {
      at.messages++
      at.lastMs = timeMs
    }
  }

  clear(): void {
    this.byName.clear()
    this.slots.length = 0
    this.free.length = 0
    Object.assign(this.root, newNode('', null))
    this.forgotten = 0
    this.shape++
  }

  private nodeOf(name: string): Node {
    let at = this.root
    for (const level of name.split('/')) {
      at.children ??= new Map()
      let child = at.children.get(level)
      if (child === undefined) {
        child = newNode(level, at)
        at.children.set(level, child)
        at.sorted = null
      }
      at = child
    }
    return at
  }

  /** Forgets the longest silent tenth, at least, of the topics that no kept message needs. */
  private sweep(): void {
    const idle = [...this.byName.values()].filter((topic) => topic.kept === 0)
    idle.sort((a, b) => a.lastMs - b.lastMs)
    for (const topic of idle.slice(0, Math.max(1, Math.ceil(this.countMax / 10)))) {
      this.remove(topic)
    }
  }

  private remove(topic: Topic): void {
    this.onForget(topic)
    this.byName.delete(topic.name)
    this.slots[topic.id] = null
    this.free.push(topic.id)
    this.forgotten++
    this.shape++
    topic.node.topic = null
    for (let at: Node | null = topic.node; at !== null; at = at.parent) {
      at.topics--
      if (at.topics > 0 || at.parent === null) continue
      at.parent.children?.delete(at.level)
      at.parent.sorted = null
    }
  }
}
