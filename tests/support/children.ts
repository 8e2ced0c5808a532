/** Processes that tests start end with the test's own process, also when the runner ends that for taking too long. */
import type { ChildProcess } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { waitMsMax } from './patience.ts'

const children = new Set<ChildProcess>()

function killAll(): void {
  for (const child of children) child.kill('SIGKILL')
}

/** Kills `child` when this process ends before it. */
export function endWithUs<Child extends ChildProcess>(child: Child): Child {
  if (children.size === 0 && !process.listeners('exit').includes(killAll)) {
    process.on('exit', killAll)
    // The runner's way to end a file of tests: without an answer there would be no `exit`.
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(1))
  }
  children.add(child)
  child.once('exit', () => children.delete(child))
  return child
}

/** What a child is waited for before anybody can end it: where that fails it is killed, for a file of tests does not end before its children. */
export async function orKill<T>(child: ChildProcess, started: Promise<T>): Promise<T> {
  try {
    return await started
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  }
}

/** Stops a process; it stands still when this returns: until all of its threads do, it may still answer. */
export function freeze(child: ChildProcess): void {
  child.kill('SIGSTOP')
  for (const endMs = performance.now() + waitMsMax; !standsStill(child.pid ?? 0);)
    if (performance.now() > endMs) throw new Error('it does not stop')
}

/** Where the system does not say so: yes. */
function standsStill(pid: number): boolean {
  const threads = join('/proc', String(pid), 'task')
  if (!existsSync(threads)) return true
  return readdirSync(threads).every((thread) =>
    /^State:\s+[TtZX]/m.test(statusOf(join(threads, thread))),
  )
}

/** Of a thread; of one that has just ended: that it has. */
function statusOf(folder: string): string {
  try {
    return readFileSync(join(folder, 'status'), 'utf8')
  } catch {
    return 'State: X'
  }
}
