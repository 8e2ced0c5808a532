/** Which retained messages a filter has. */
import { childAt, eachChild, ownedLevel, withChild, withoutChild } from './children.ts'
import type { Children } from './children.ts'

/** A level of the tree; it holds a message when `message` is set, and `since` with it. */
class RetainedNode<M> {
  readonly level: string
  message: M | undefined = undefined
  /** The tree's sequence number at which this topic came to have a message. */
  since = 0
  children: Children<RetainedNode<M>> = undefined

  constructor(level: string) {
    this.level = level
  }
}

/**
 * Retained messages by topic: at most one each [MQTT-3.3.1-5], found by topic or by filter. Topics
 * must be valid names, filters valid and unshared. Nodes go when nothing needs them.
 */
export class RetainedTree<M> {
  private readonly root = new RetainedNode<M>('')
  private messages = 0
  private nodes = 1
  private sequence = 0

  /** How many topics have a message. */
  get count(): number {
    return this.messages
  }

  /** Tree nodes in use, the root included; 1 when nothing is retained. */
  get nodeCount(): number {
    return this.nodes
  }

  /** Keeps `message` as the one of `topic`; returns the one it replaces. */
  set(topic: string, message: M): M | undefined {
    let node = this.root
    for (let start = 0; start !== -1;) {
      const end = topic.indexOf('/', start)
      const level = end === -1 ? topic.slice(start) : topic.slice(start, end)
      node = childAt(node.children, level) ?? this.grow(node, level)
      start = end === -1 ? -1 : end + 1
    }
    const previous = node.message
    node.message = message
    if (previous === undefined) {
      node.since = ++this.sequence
      this.messages++
    }
    return previous
  }

  get(topic: string): M | undefined {
    return this.find(topic, null)?.message
  }

  /** Forgets the message of `topic`; returns it, or undefined when there was none. */
  delete(topic: string): M | undefined {
    const path: RetainedNode<M>[] = [this.root]
    const node = this.find(topic, path)
    const previous = node?.message
    if (node === undefined || previous === undefined) return undefined
    node.message = undefined
    this.messages--
    this.prune(path)
    return previous
  }

  /**
   * The retained messages whose topics match `filter`, as they are now, to be read in portions with
   * {@link RetainedCursor.next}. Costs nothing until then.
   */
  match(filter: string): RetainedCursor<M> {
    return new RetainedCursor(this.root, filter.split('/'), this.sequence)
  }

  /** False: nothing matches `filter`. True: something may; it looks no further than to the first wildcard. */
  mayMatch(filter: string): boolean {
    let node: RetainedNode<M> | undefined = this.root
    for (let start = 0; start !== -1;) {
      const end = filter.indexOf('/', start)
      const level = end === -1 ? filter.slice(start) : filter.slice(start, end)
      // `#` matches the level before it as well [MQTT-4.7.1-2].
      if (level === '#') return true
      if (level === '+') return node.children !== undefined
      node = childAt(node.children, level)
      if (node === undefined) return false
      start = end === -1 ? -1 : end + 1
    }
    return node.message !== undefined
  }

  private find(topic: string, path: RetainedNode<M>[] | null): RetainedNode<M> | undefined {
    let node: RetainedNode<M> | undefined = this.root
    for (let start = 0; start !== -1;) {
      const end = topic.indexOf('/', start)
      node = childAt(node.children, end === -1 ? topic.slice(start) : topic.slice(start, end))
      if (node === undefined) return undefined
      path?.push(node)
      start = end === -1 ? -1 : end + 1
    }
    return node
  }

  private grow(parent: RetainedNode<M>, level: string): RetainedNode<M> {
    const child = new RetainedNode<M>(ownedLevel(level))
    parent.children = withChild(parent.children, child)
    this.nodes++
    return child
  }

  private prune(path: readonly RetainedNode<M>[]): void {
    for (let depth = path.length - 1; depth > 0; depth--) {
      const node = path[depth]
      const parent = path[depth - 1]
      if (node.message !== undefined || node.children !== undefined) return
      parent.children = withoutChild(parent.children, node)
      this.nodes--
    }
  }
}

type Visit<M> = (message: M) => void

/** Nodes still to look at, siblings, each against the filter's level `depth`. */
interface Frame<M> {
  readonly nodes: Iterator<RetainedNode<M>, undefined>
  readonly depth: number
}

/**
 * A place in a walk over the tree, which may change between two portions: no topic is visited twice,
 * a topic that has a message all the while is visited, one that was added after the walk began is
 * not (so a walk ends however fast the tree grows), and a message that was replaced shows as the new
 * one. Depth first with an explicit stack of iterators, as deep as topics have levels.
 */
export class RetainedCursor<M> {
  private readonly levels: readonly string[]
  private readonly until: number
  /** [MQTT-4.7.2-1]: the filter starts with a wildcard, so `$` in the first level is out of reach. */
  private readonly skipsDollar: boolean
  private readonly stack: Frame<M>[] = []

  /** For {@link RetainedTree.match}. @internal */
  constructor(root: RetainedNode<M>, levels: readonly string[], until: number) {
    this.levels = levels
    this.until = until
    this.skipsDollar = levels[0] === '+' || levels[0] === '#'
    this.stack.push({ nodes: [root].values(), depth: 0 })
  }

  /**
   * Looks at up to `limit` nodes and calls `visit` for each that holds a matching message, so `visit`
   * runs at most `limit` times and the work is bounded even where nothing matches. Returns whether
   * there may be more. `visit` may change the tree.
   */
  next(limit: number, visit: Visit<M>): boolean {
    for (let left = limit; left > 0; left--) {
      const frame = this.stack.at(-1)
      if (frame === undefined) return false
      const node = frame.nodes.next()
      if (node.done) this.stack.pop()
      else if (this.isHidden(node.value)) continue
      else this.enter(node.value, frame.depth, visit)
    }
    return this.stack.length > 0
  }

  // The stack is [root, first level, ...], and a wildcard puts all of the first level there.
  private isHidden(node: RetainedNode<M>): boolean {
    return this.skipsDollar && this.stack.length === 2 && node.level.startsWith('$')
  }

  /** Follows the filter from where its levels before `fromDepth` lead to the next choice or the end. */
  private enter(from: RetainedNode<M>, fromDepth: number, visit: Visit<M>): void {
    let node: RetainedNode<M> | undefined = from
    let depth = fromDepth
    for (; node !== undefined; depth++) {
      const level = this.levels[depth]
      if (level === undefined || level === '#') this.show(node, visit)
      if (level === undefined) return
      if (level === '#' || level === '+') {
        if (node.children === undefined) return
        const nodes = eachChild(node.children)
        this.stack.push({ nodes, depth: level === '#' ? depth : depth + 1 })
        return
      }
      node = childAt(node.children, level)
    }
  }

  private show(node: RetainedNode<M>, visit: Visit<M>): void {
    if (node.message !== undefined && node.since <= this.until) visit(node.message)
  }
}
