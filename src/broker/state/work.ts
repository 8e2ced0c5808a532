/**
 * How much one turn does, so that nobody's work keeps everybody waiting. A turn has a budget (`limits.workPerTurn`),
 * counted down where work is done: one unit is about a microsecond. What is left when it is used up is a task, and
 * tasks take turns:
 *
 *     input ──▶ Core.work > 0? ── yes ──▶ done at once
 *                     └── no ──▶ Core.tasks ──▶ a slice each, round and round, at the end of every turn
 */
import { askTurnEnd, type Core, type Task } from './core.ts'

/** Units of work, beside the one that every packet and every delivery takes. */
export const Work = {
  /** A link that is written to in this turn: a system call. */
  flush: 8,
  /** An entry of a durable session's queue, encoded and written. */
  store: 8,
  /** A CONNECT from its packet to its session; and the end of a connection, its socket's and its will's included. */
  connect: 40,
  close: 60,
  /** A task's turn, however little it does. */
  task: 8,
} as const

/** Powers of two that make a unit: bytes of packets, characters of filters, nodes of a trie, matches found. */
export const BYTES_SHIFT = 12
export const FILTER_SHIFT = 2
export const NODES_SHIFT = 4

/** A turn has so many slices of tasks. */
const SLICES = 16

export function addTask(core: Core, task: Task): void {
  core.tasks.push(task)
  askTurnEnd(core)
}

/** Goes on with what waits, and opens the budget of the turn that begins. */
export function runTasks(core: Core): void {
  const { tasks } = core
  const { workPerTurn } = core.ports.limits
  // Input has the other half: what waits must not make what comes wait as long again.
  let left = Math.max(1, workPerTurn >> 1)
  const slice = Math.max(1, Math.ceil(left / SLICES))
  while (left > 0 && tasks.length > 0) {
    const task = tasks.shift() as Task
    const share = Math.min(left, slice)
    core.work = share
    left -= share
    if (task(core)) tasks.push(task)
    // One that waits and does nothing has its price, too, or those that wait would go round for ever.
    left += Math.min(core.work, share - Work.task)
  }
  core.work = workPerTurn
  if (tasks.length > 0) askTurnEnd(core)
}
