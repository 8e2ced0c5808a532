/**
 * A listening socket under further numbers, one for each thread. Threads that shared a number would end each other: one that
 * dies closes what it has open, and whoever waits on that number next is aborted by libuv, without a word.
 *
 * Node has nothing that copies a descriptor; what a process hands to a child, and that hands back, is a copy.
 */
import { spawn, type ChildProcess, type SendHandle } from 'node:child_process'
import type { Handle } from './shared-socket.ts'

/** It says that it is there, so that nothing is in its hands while it starts: a killed broker leaves its ports free. */
const ECHO =
  "process.on('message', (number, handle) => process.send(number, handle)); process.send('here')"
const ECHO_MS_MAX = 30_000

/** Copies live as long as the process, and so do the objects that came with them. */
const kept: Handle[] = []

/**
 * Further numbers of each socket, `count` of them.
 *
 * @throws Error when no process can be started beside this one, or it does not answer in 30 s
 */
export async function copySockets(
  sockets: readonly Handle[],
  count: number,
): Promise<readonly (readonly number[])[]> {
  const wanted = sockets.flatMap((socket) => Array.from({ length: count }, () => socket))
  if (wanted.length === 0) return sockets.map(() => [])
  // What the options of this process load or listen on is not the child's business.
  const env = { ...process.env, NODE_OPTIONS: '' }
  const child = spawn(process.execPath, ['-e', ECHO], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env,
    // An interrupt from the terminal is for the broker alone.
    detached: true,
  })
  // One that does not get on does not see either that nobody is there any more.
  const end = (): void => void child.kill('SIGKILL')
  process.on('exit', end)
  const numbers = await echoed(child, wanted).finally(() => process.off('exit', end))
  return sockets.map((_, at) => numbers.slice(at * count, (at + 1) * count))
}

function echoed(child: ChildProcess, wanted: readonly Handle[]): Promise<readonly number[]> {
  return new Promise((resolve, reject) => {
    const numbers: number[] = []
    const fail = (why: string): void => {
      clearTimeout(timer)
      child.kill('SIGKILL')
      reject(new Error(why))
    }
    const timer = setTimeout(fail, ECHO_MS_MAX, 'the process that does it does not answer')
    child.on('error', ({ message }) => fail(message))
    child.on('exit', () => fail('the process that does it ended'))
    child.once('message', () => {
      child.on('message', take)
      // The bare socket, not a server: nobody is to accept there.
      for (const [number, handle] of wanted.entries())
        child.send(number, handle as unknown as SendHandle, (error) => {
          if (error !== null) fail(error.message)
        })
    })
    const take = (_number: unknown, handle: unknown): void => {
      const copy = handle as Handle | undefined
      if (copy?.fd === undefined || copy.fd < 0) return fail('this Node does not say its number')
      kept.push(copy)
      numbers.push(copy.fd)
      if (numbers.length < wanted.length) return
      clearTimeout(timer)
      child.removeAllListeners('exit')
      child.kill('SIGKILL')
      resolve(numbers)
    }
  })
}
