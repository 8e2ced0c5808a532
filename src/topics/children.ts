/**
 * The children of a tree node, in the least memory that their number allows: most nodes of a topic
 * tree have none or one, and a `Map` of one entry would weigh three times the node it leads to.
 *
 *     0  undefined        1  the child itself, which knows its level        2+  Map level -> child
 *
 * Being Maps, they hold levels such as `__proto__` like any other, and their hashes are seeded.
 */
export type Children<N extends { readonly level: string }> = N | Map<string, N> | undefined

export function childAt<N extends { readonly level: string }>(
  children: Children<N>,
  level: string,
): N | undefined {
  if (children === undefined) return undefined
  if (children instanceof Map) return children.get(level)
  return children.level === level ? children : undefined
}

/** Adds a child whose level is not there yet; returns what to store. */
export function withChild<N extends { readonly level: string }>(
  children: Children<N>,
  child: N,
): Children<N> {
  if (children === undefined) return child
  if (children instanceof Map) return children.set(child.level, child)
  return new Map([
    [children.level, children],
    [child.level, child],
  ])
}

/**
 * Takes out a child that is there; returns what to store. A Map that is left for its last child still
 * holds that child: an iterator that stands in it misses nothing.
 */
export function withoutChild<N extends { readonly level: string }>(
  children: Children<N>,
  child: N,
): Children<N> {
  if (!(children instanceof Map)) return undefined
  children.delete(child.level)
  if (children.size > 1) return children
  for (const last of children.values()) return last
  return undefined
}

/** All children; the iterator lives through changes of the tree as those of a Map do. */
export function eachChild<N extends { readonly level: string }>(
  children: Children<N>,
): Iterator<N, undefined> {
  if (children === undefined) return [].values()
  return children instanceof Map ? children.values() : [children].values()
}

/**
 * One level of a topic as a key to keep. From 13 characters on, V8's slice is a view that would keep
 * the whole topic (64 KiB if a client likes) alive for as long as the node; this copies it out.
 */
export function ownedLevel(level: string): string {
  return level.length < 13 ? level : ` ${level}`.slice(1)
}
