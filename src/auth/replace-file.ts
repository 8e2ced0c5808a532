/** Puts a file on the disk for good: whole, whatever happens meanwhile. */
import { realpathSync, statSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Replaces a file by one with this text. When it returns the new one is on the disk, whatever happens next; before
 * that the old one is whole.
 *
 * @throws the system's error; the old file is as it was.
 */
export async function replaceFile(file: string, text: string): Promise<void> {
  const target = existing(file) ?? file
  const old = existing(file) === null ? null : statSync(target)
  // What lies there is of a process that was killed, or somebody's link.
  await rm(`${target}.new`, { force: true })
  const fresh = await open(`${target}.new`, 'wx', 0o600)
  try {
    if (old !== null) await fresh.chmod(old.mode & 0o777)
    // Nobody else may give a file away.
    if (old !== null && process.geteuid?.() === 0) await fresh.chown(old.uid, old.gid)
    await fresh.writeFile(text)
    await fresh.sync()
  } finally {
    await fresh.close()
  }
  await rename(`${target}.new`, target)
  await syncDirectory(dirname(target))
}

/**
 * Which writing of a file this is; null: there is none, or it may not be looked at. Another stamp than after one's own last
 * reading or writing says that somebody else wrote it.
 */
export function stampOf(file: string): string | null {
  try {
    const { ino, size, mtimeNs } = statSync(file, { bigint: true })
    return `${ino} ${size} ${mtimeNs}`
  } catch {
    return null
  }
}

/** What keeps a text that a person wrote, and that nobody has read yet, from being replaced. */
export class WrittenByOthersError extends Error {
  override name = 'WrittenByOthersError'

  constructor(file: string) {
    super(`somebody else has written ${file}; SIGHUP reads it`)
  }
}

/** Where a link leads; null: there is no such file yet. */
function existing(file: string): string | null {
  try {
    return realpathSync(file)
  } catch {
    return null
  }
}

async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
