/** Unix sockets: the file that stands for one, and what a process that died left of it. */
import { existsSync, lstatSync, unlinkSync } from 'node:fs'
import { connect, type Server } from 'node:net'
import { dirname } from 'node:path'
import { ListenError } from './places.ts'

/** The owner and the group may connect, nobody else. */
const UMASK = 0o007
const BACKLOG = 1024
const ANSWER_MS_MAX = 1000

/**
 * Lets `server` listen at `path`. A socket that nobody answers on is replaced; anything else there stays.
 *
 * @throws ListenError
 */
export async function listenUnix(server: Server, path: string): Promise<void> {
  await removeStale(path)
  await new Promise<void>((resolve, reject) => {
    const failed = ({ code, message }: NodeJS.ErrnoException): void => {
      const help: Readonly<Record<string, string>> = {
        EADDRINUSE: 'another program made it just now',
        EACCES: 'this user may not write in its directory',
      }
      reject(
        new ListenError(
          `Unable to listen on the unix socket ${path}: ${help[code ?? ''] ?? message}.`,
        ),
      )
    }
    server.once('error', failed)
    server.once('listening', () => {
      server.removeListener('error', failed)
      resolve()
    })
    const before = process.umask(UMASK)
    // The file is made within the call, so no other one of this process meets the umask.
    server.listen({ path, backlog: BACKLOG })
    process.umask(before)
  })
}

async function removeStale(path: string): Promise<void> {
  // The system would say that writing there is not allowed.
  if (!existsSync(dirname(path)))
    throw new ListenError(
      `Unable to listen on the unix socket ${path}: its directory does not exist.`,
    )
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) return
  const refusal = (text: string): ListenError =>
    new ListenError(`Unable to listen on the unix socket ${path}: ${text}.`)
  if (!found.isSocket())
    throw refusal(
      'a file of that name is there, and it is no socket. Move it, or choose another path',
    )
  if (await isAnswered(path))
    throw refusal('another program listens there. Stop it, or choose another path')
  try {
    unlinkSync(path)
  } catch (error) {
    throw refusal(
      `what an earlier process left there cannot be removed: ${(error as Error).message}`,
    )
  }
}

/** A socket whose process is gone refuses; whatever else happens, someone may be there. */
function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path })
    const answer = (answered: boolean): void => {
      socket.destroy()
      resolve(answered)
    }
    socket.setTimeout(ANSWER_MS_MAX, () => answer(true))
    socket.once('connect', () => answer(true))
    socket.once('error', ({ code }: NodeJS.ErrnoException) => answer(code !== 'ECONNREFUSED'))
  })
}
