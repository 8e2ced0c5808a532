/** Options of bans: where they are kept, and the rule that makes some. */
import type { FlappingRule } from '../ports/limits.ts'
import { ValueError } from './config-error.ts'
import { option } from './option.ts'
import { custom, path, readInteger } from './value-types.ts'

const COUNT_MAX = 1_000_000
const WINDOW_SECONDS_MAX = 86_400
const BAN_SECONDS_MAX = 31_536_000

const flapping = custom<FlappingRule | null>('off | COUNT SECONDS SECONDS', (name, rest) => {
  const words = rest.trim().split(/\s+/)
  if (words.length === 1 && words[0] === 'off') return null
  if (words.length !== 3)
    throw new ValueError(
      `"${name}" must be off, or three numbers: connections, within seconds, banned for seconds.`,
    )
  const [count = '', within = '', banned = ''] = words
  return {
    connectionsMax: readInteger(name, count, 2, COUNT_MAX),
    windowMs: readInteger(name, within, 1, WINDOW_SECONDS_MAX) * 1000,
    banMs: readInteger(name, banned, 1, BAN_SECONDS_MAX) * 1000,
  }
})

export const BAN_OPTIONS = {
  banFile: option(
    'ban_file',
    'File of bans. Unset: the store with ".bans"; without a store they end with the process.',
    { type: path, default: null, own: true, repeat: 'last', reload: false },
  ),
  flappingBan: option(
    'flapping_ban',
    'Bans a client id at an address that connects over COUNT times in SECONDS, for the other SECONDS.',
    { type: flapping, default: null, own: true },
  ),
}
