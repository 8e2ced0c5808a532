/** A file system that is soon full. */
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'

/** Makes `directory` one of 64 MB; false: mounting is not possible here. */
export function mountSmallDisk(directory: string): boolean {
  mkdirSync(directory)
  return spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', directory]).status === 0
}

export function unmount(directory: string): void {
  spawnSync('umount', ['-l', directory])
}
