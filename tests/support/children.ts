/** Processes that tests start end with the test's own process, also when the runner ends that for taking too long. */
import type { ChildProcess } from 'node:child_process'

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
