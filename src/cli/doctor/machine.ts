/** Clock, disk, and the limit of open files. */
import { existsSync, statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Config } from '../../config/config.ts'
import { fileDescriptorLimit } from '../../server/file-descriptors.ts'
import type { Tell } from './finding.ts'

/** The first release was made later. */
const SOONEST_MS = Date.UTC(2026, 0, 1)
const FREE_BYTES_FEW = 256 << 20
const FREE_SHARE_FEW = 0.03
/** Files and sockets that are no client's. */
const OWN_DESCRIPTORS = 64

/** @param nowMs Wall clock. @param storeLocation Of the store, null: there is none. */
export function examineMachine(
  config: Config,
  storeLocation: string | null,
  nowMs: number,
  tell: Tell,
): void {
  const now = new Date(nowMs).toISOString()
  if (nowMs < SOONEST_MS) tell('bad', 'clockWrong', { now })
  else tell('good', 'clockGood', { now })
  if (storeLocation !== null) examineDisk(storeLocation, tell)
  examineDescriptors(config, tell)
}

function examineDisk(location: string, tell: Tell): void {
  let path = location
  while (!existsSync(path) && dirname(path) !== path) path = dirname(path)
  const { bavail, blocks, bsize } = statfsSync(path)
  const freeBytes = bavail * bsize
  const share = blocks === 0 ? 1 : bavail / blocks
  const values = { path, free: Math.floor(freeBytes / 1e6), percent: Math.floor(share * 100) }
  const isFull = freeBytes < FREE_BYTES_FEW || share < FREE_SHARE_FEW
  tell(isFull ? 'bad' : 'good', isFull ? 'diskFull' : 'diskGood', values)
}

function examineDescriptors({ listeners, global }: Config, tell: Tell): void {
  const limit = fileDescriptorLimit()
  if (limit === 0) return
  const most = listeners.reduce((sum, { maxConnections }) => sum + Math.max(0, maxConnections), 0)
  const wanted = Math.max(most, global.globalMaxConnections) + OWN_DESCRIPTORS
  if (wanted > limit) tell('note', 'descriptorsFew', { limit })
  else tell('good', 'descriptorsGood', { limit })
}
