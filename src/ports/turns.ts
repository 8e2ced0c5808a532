/** Whose turn it is among nodes that have members of one shared group. */
import type { Interest } from './peers.ts'

/** So many members there can be served: those of durable sessions, at QoS 1 and 2, get theirs by the store. */
function membersOf({ always, qos0 }: Interest, isQos0: boolean): number {
  return isQos0 ? always + qos0 : always
}

/**
 * The node that serves the message: a node with twice the members has twice the turns, so that each member of the group gets its
 * share. `turn`: one more each time. Undefined: nobody can.
 */
export function nodeInTurn<Node>(
  own: Iterable<readonly [Node, Interest]>,
  isQos0: boolean,
  turn: number,
): Node | undefined {
  const nodes = [...own]
  const turns = nodes.reduce((sum, [, interest]) => sum + membersOf(interest, isQos0), 0)
  let left = turns > 0 ? turn % turns : Infinity
  return nodes.find(([, interest]) => (left -= membersOf(interest, isQos0)) < 0)?.[0]
}
