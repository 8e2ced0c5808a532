/** Which subscribers a topic has. */
import { childAt, eachChild, ownedLevel, withChild, withoutChild } from './children.ts'
import type { Children } from './children.ts'
import { MatchCache } from './match-cache.ts'
import { hasWildcard } from './names.ts'
import {
  collectSubscribers,
  hasSubscriber,
  withSubscriber,
  withoutSubscriber,
} from './subscribers.ts'
import type { Subscribers } from './subscribers.ts'

/** One level of the wildcard filters: `subscribers` of filters that end here, `hash` of those with `/#` behind. */
class TrieNode<S extends object> {
  readonly level: string
  subscribers: Subscribers<S> = undefined
  hash: Subscribers<S> = undefined
  plus: TrieNode<S> | undefined = undefined
  children: Children<TrieNode<S>> = undefined

  constructor(level: string) {
    this.level = level
  }
}

const nobody: readonly never[] = Object.freeze([])

/**
 * Who subscribed to what: a multiset of (filter, subscriber), answering which subscribers a topic has.
 *
 *     exact   'site/1/dev/7/temp' -> S              one flat Map: most filters, one lookup
 *     root    site -> + -> dev -> 7 -> temp: S      only filters with wildcards
 *                                  \-> #: S         '#' is a field of its parent, '+' another
 *     cache   topic -> S[]                          results, until a change can touch them
 *
 * A change of an exact filter drops that topic's cached result. A change of a wildcard filter drops
 * all results: finding those it touches would cost the size of the cache, dropping them costs the
 * collector what filling cost, and no result keeps a subscriber alive that has left.
 *
 * Filters must be valid and unshared (`topicFilterProblem`, `parseShared`), topics valid names. A
 * subscriber is known by identity; it must be neither an Array nor a Map.
 */
export class FilterTrie<S extends object> {
  private readonly exact = new Map<string, Subscribers<S>>()
  private readonly root = new TrieNode<S>('')
  private readonly cache: MatchCache<S>
  private wildcardCount = 0
  private exactCount = 0
  private nodes = 1
  private changes = 0

  /** `cacheEntriesMax` bounds the cached results in number, and at 512 bytes each in memory. */
  constructor(cacheEntriesMax = 65_536) {
    this.cache = new MatchCache(cacheEntriesMax)
  }

  /** How many (filter, subscriber) pairs there are. */
  get size(): number {
    return this.exactCount + this.wildcardCount
  }

  /** Tree nodes in use, the root included; falls back to 1 when the last wildcard filter goes. */
  get nodeCount(): number {
    return this.nodes
  }

  /** Goes up with every change: a result obtained at the same generation is still right. */
  get generation(): number {
    return this.changes
  }

  /** Adds the pair, once more if it is there already. */
  add(filter: string, subscriber: S): void {
    this.changes++
    if (!hasWildcard(filter)) {
      this.exact.set(filter, withSubscriber(this.exact.get(filter), subscriber))
      this.exactCount++
      this.cache.delete(filter)
      return
    }
    const hash = filter.endsWith('#')
    const node = this.grow(filter, hash ? filter.length - 2 : filter.length)
    if (hash) node.hash = withSubscriber(node.hash, subscriber)
    else node.subscribers = withSubscriber(node.subscribers, subscriber)
    this.wildcardCount++
    this.cache.clear()
  }

  /** Takes the pair out, once; false when it is not there. */
  remove(filter: string, subscriber: S): boolean {
    const removed = hasWildcard(filter)
      ? this.removeWildcard(filter, subscriber)
      : this.removeExact(filter, subscriber)
    if (removed) this.changes++
    return removed
  }

  /**
   * The subscribers whose filters match `topic`, one entry a matching pair; within a filter in the
   * order of adding. The array is shared: it must not be changed, and never will be (a later change
   * of the subscriptions shows in a new array).
   */
  match(topic: string): readonly S[] {
    return this.matchWithin(topic, Infinity) as readonly S[]
  }

  /** As {@link match}; null when it takes a look at more than `nodesMax` nodes: that is for a {@link walk}. */
  matchWithin(topic: string, nodesMax: number): readonly S[] | null {
    // Nothing to be kept: not to find it is a single look.
    if (this.wildcardCount === 0 && !this.exact.has(topic)) return nobody
    const cached = this.cache.get(topic)
    if (cached !== undefined) return cached
    const walk = this.walk(topic)
    if (!walk.next(nodesMax)) return null
    return this.keep(walk)
  }

  /** The same in portions. Subscribers that come or go meanwhile may be missing or among them. */
  walk(topic: string): MatchWalk<S> {
    const found: S[] = []
    collectSubscribers(this.exact.get(topic), found)
    return new MatchWalk(topic, this.wildcardCount > 0 ? this.root : null, found, this.changes)
  }

  /** What a finished walk found, to be had at once next time unless something changed meanwhile. */
  keep({ topic, found, generation }: MatchWalk<S>): readonly S[] {
    // A copy, because an array that grew by pushing has room for 16 more: too much for a cache.
    const result = found.length === 0 ? nobody : found.slice()
    if (generation === this.changes) this.cache.put(topic, result)
    return result
  }

  /** Every [filter, subscriber], exact filters first. The trie must not change meanwhile. */
  *entries(): IterableIterator<[string, S]> {
    const found: S[] = []
    for (const [filter, subscribers] of this.exact) {
      collectSubscribers(subscribers, found)
      for (const subscriber of found.splice(0)) yield [filter, subscriber]
    }
    // The text before a level, and the level's node: an explicit stack, for any depth.
    const stack: [string, TrieNode<S>][] = [['', this.root]]
    for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
      const [filter, node] = top
      const prefix = node === this.root ? '' : `${filter}/`
      collectSubscribers(node.subscribers, found)
      for (const subscriber of found.splice(0)) yield [filter, subscriber]
      collectSubscribers(node.hash, found)
      for (const subscriber of found.splice(0)) yield [`${prefix}#`, subscriber]
      if (node.plus !== undefined) stack.push([`${prefix}+`, node.plus])
      const children = eachChild(node.children)
      for (let next = children.next(); !next.done; next = children.next()) {
        stack.push([prefix + next.value.level, next.value])
      }
    }
  }

  /** The node of the levels in `filter[0..end)`, made as far as it is not there; the root for -1. */
  private grow(filter: string, end: number): TrieNode<S> {
    let node = this.root
    for (let start = 0; start <= end;) {
      const slash = filter.indexOf('/', start)
      const levelEnd = slash === -1 ? end : slash
      node = this.descend(node, filter.slice(start, levelEnd))
      start = levelEnd + 1
    }
    return node
  }

  private descend(node: TrieNode<S>, level: string): TrieNode<S> {
    const known = level === '+' ? node.plus : childAt(node.children, level)
    if (known !== undefined) return known
    const child = new TrieNode<S>(ownedLevel(level))
    if (level === '+') node.plus = child
    else node.children = withChild(node.children, child)
    this.nodes++
    return child
  }

  private removeExact(filter: string, subscriber: S): boolean {
    const subscribers = this.exact.get(filter)
    if (!hasSubscriber(subscribers, subscriber)) return false
    const left = withoutSubscriber(subscribers, subscriber)
    if (left === undefined) this.exact.delete(filter)
    else if (left !== subscribers) this.exact.set(filter, left)
    this.exactCount--
    this.cache.delete(filter)
    return true
  }

  private removeWildcard(filter: string, subscriber: S): boolean {
    const hash = filter.endsWith('#')
    const path = [this.root]
    let node = this.root
    for (const level of levelsOf(filter, hash)) {
      const child = level === '+' ? node.plus : childAt(node.children, level)
      if (child === undefined) return false
      path.push(child)
      node = child
    }
    if (!hasSubscriber(hash ? node.hash : node.subscribers, subscriber)) return false
    if (hash) node.hash = withoutSubscriber(node.hash, subscriber)
    else node.subscribers = withoutSubscriber(node.subscribers, subscriber)
    this.prune(path)
    this.wildcardCount--
    this.cache.clear()
    return true
  }

  /** Unlinks the nodes at the end of `path` that nothing needs any more. */
  private prune(path: readonly TrieNode<S>[]): void {
    for (let depth = path.length - 1; depth > 0; depth--) {
      const node = path[depth]
      const parent = path[depth - 1]
      if (node.subscribers !== undefined || node.hash !== undefined) return
      if (node.plus !== undefined || node.children !== undefined) return
      if (parent.plus === node) parent.plus = undefined
      else parent.children = withoutChild(parent.children, node)
      this.nodes--
    }
  }
}

/**
 * A match under way. Breadth first, all in one array: the nodes that the levels so far lead to are its tail, and
 * the next level appends the tail after it. `#` counts as soon as its parent is reached.
 *
 *     reached   [ root | first level | second ... | the last one ]
 *                         done ^          ^ from      ^ to (of this level)
 */
export class MatchWalk<S extends object> {
  readonly topic: string
  readonly found: S[]
  /** The trie's when the walk began. */
  readonly generation: number
  private readonly reached: TrieNode<S>[]
  /** Where the level begins whose nodes are looked at; -1: behind the last one. */
  private start = 0
  private from = 0
  private to = 1
  // [MQTT-4.7.2-1]: '$' is out of reach for a wildcard in the first level.
  private wildcards: boolean

  /** For {@link FilterTrie.walk}; `root` null: nothing but what was found already. @internal */
  constructor(topic: string, root: TrieNode<S> | null, found: S[], generation: number) {
    this.topic = topic
    this.found = found
    this.generation = generation
    this.wildcards = topic.charCodeAt(0) !== 0x24
    this.reached = root === null ? [] : [root]
    if (root === null) this.start = -1
    else if (this.wildcards) collectSubscribers(root.hash, found)
  }

  /** Looks at about `nodesMax` nodes more; true: that was the last of them. */
  next(nodesMax: number): boolean {
    let left = nodesMax
    while (this.start !== -1) {
      const end = this.topic.indexOf('/', this.start)
      const level = end === -1 ? this.topic.slice(this.start) : this.topic.slice(this.start, end)
      const until = Math.min(this.to, this.from + left)
      left -= until - this.from
      this.descend(level, until)
      if (this.from < this.to) return false
      if (this.from === this.reached.length) return this.finish()
      this.to = this.reached.length
      this.wildcards = true
      this.start = end === -1 ? -1 : end + 1
    }
    const { reached, found } = this
    const until = Math.min(reached.length, this.from + left)
    for (; this.from < until; this.from++) collectSubscribers(reached[this.from].subscribers, found)
    return this.from === reached.length
  }

  private finish(): true {
    this.start = -1
    return true
  }

  /** From the nodes up to `until` to those that `level` leads to. */
  private descend(level: string, until: number): void {
    const { reached, found, wildcards } = this
    let { from } = this
    for (; from < until; from++) {
      const node = reached[from]
      const { plus } = node
      if (plus !== undefined && wildcards) {
        reached.push(plus)
        collectSubscribers(plus.hash, found)
      }
      const child = childAt(node.children, level)
      if (child !== undefined) {
        reached.push(child)
        collectSubscribers(child.hash, found)
      }
    }
    this.from = from
  }
}

/** The levels of a filter, without the `#` at its end when it has one. */
function levelsOf(filter: string, hash: boolean): string[] {
  const levels = filter.split('/')
  if (hash) levels.pop()
  return levels
}
