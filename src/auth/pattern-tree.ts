/**
 * The patterns of an ACL file as one tree for all clients: names are compared where a topic is looked up, so that a client costs
 * nothing however many patterns there are.
 *
 *     pattern read site/%u/+
 *     pattern deny site/%u/door      root ── site ── %u ─┬─ +      rank 1
 *                                                        └─ door   rank 0: who denies comes first
 */
import type { AclRule } from './acl-file.ts'
import { hasWildName, levelOf, type AclSubject } from './placeholders.ts'

interface Ranked {
  readonly rank: number
  readonly rule: AclRule
}

class Node {
  readonly children = new Map<string, Node>()
  /** The first pattern that ends here, and the first that goes on with `#`. */
  end: Ranked | null = null
  rest: Ranked | null = null
}

/** Of a lookup: whose names count, and what is the best so far. */
interface Search {
  readonly levels: readonly string[]
  /** null: a placeholder for it fits nothing. */
  readonly username: string | null
  readonly clientId: string | null
  best: Ranked | null
}

export class PatternTree {
  private readonly root = new Node()

  /** @param rules In the order in which they decide. */
  constructor(rules: readonly AclRule[]) {
    for (const [rank, rule] of rules.entries()) this.add({ rank, rule })
  }

  private add(ranked: Ranked): void {
    let node = this.root
    for (const level of ranked.rule.filter.split('/')) {
      if (level === '#') {
        node.rest ??= ranked
        return
      }
      let child = node.children.get(level)
      if (child === undefined) {
        child = new Node()
        node.children.set(level, child)
      }
      node = child
    }
    node.end ??= ranked
  }

  /** The first pattern that fits `topic` with the names of `subject` in it; null: none does. */
  find(topic: string, subject: AclSubject): AclRule | null {
    if (hasWildName(subject)) return null
    const search: Search = {
      levels: topic.split('/'),
      username: levelOf(subject.username),
      clientId: levelOf(subject.clientId),
      best: null,
    }
    // Neither a wildcard nor a name stands for a first level that begins with `$` [MQTT-4.7.2-1].
    if (topic.startsWith('$')) walk(this.root.children.get(search.levels[0]), 1, search)
    else walk(this.root, 0, search)
    return search.best?.rule ?? null
  }
}

/** At most all nodes are visited: each is reached by one way. */
function walk(node: Node | undefined, level: number, search: Search): void {
  if (node === undefined) return
  note(node.rest, search)
  if (level === search.levels.length) {
    note(node.end, search)
    return
  }
  const { children } = node
  if (children.size === 0) return
  const name = search.levels[level]
  if (!isPlaceholder(name)) walk(children.get(name), level + 1, search)
  walk(children.get('+'), level + 1, search)
  if (name === search.username) walk(children.get('%u'), level + 1, search)
  if (name === search.clientId) walk(children.get('%c'), level + 1, search)
}

function isPlaceholder(name: string): boolean {
  return name === '%u' || name === '%c'
}

function note(ranked: Ranked | null, search: Search): void {
  if (ranked !== null && (search.best === null || ranked.rank < search.best.rank))
    search.best = ranked
}
