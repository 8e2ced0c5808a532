/** The command line of `npm run example:price-tags`. */
import { parseArgs } from 'node:util'
import type { Fleet } from './model/fleet.ts'
import type { ContentKind } from './service/orders.ts'
import type { ShelfOptions } from './simulator/shelf.ts'

export interface Options {
  readonly fleet: Fleet
  readonly shelf: Omit<ShelfOptions, 'random'>
  readonly content: ContentKind
  readonly flash: boolean
  /** Articles that a flash change has. */
  readonly changed: number
  /** Of the page; 0: any that is free. */
  readonly port: number
  /** Where everything is kept; null: nowhere, it is gone in the end. */
  readonly directory: string | null
}

export const HELP = `Usage: npm run example:price-tags -- [OPTIONS]

  --stores N    stores (2)
  --aps N       access points of a store (2)
  --tags N      tags behind an access point (40)
  --content K   fields: tags draw themselves; image: they are sent bitmaps (image, with --flash fields)
  --flash       orders a flash change twice, the second time with a broker that is killed; prints figures, and stops
  --changed N   articles of it, each on one shelf of every store (500)
  --check-in N  seconds between two check-ins of a sleeping tag (40)
  --loss N      percent of the radio's blocks that are lost (2)
  --bad N       percent of the redraws that fail (1)
  --speed N     how much faster than the world tags and radio are (1)
  --port N      of the page (8099)
  --dir PATH    keeps broker, database and passwords there; absent: in a temporary directory
  --help

DATABASE_URL=postgres://… keeps the tasks in a PostgreSQL server instead of an embedded one.
`

const FLAGS = {
  stores: { type: 'string', default: '2' },
  aps: { type: 'string', default: '2' },
  tags: { type: 'string', default: '40' },
  content: { type: 'string' },
  flash: { type: 'boolean', default: false },
  changed: { type: 'string', default: '500' },
  'check-in': { type: 'string', default: '40' },
  loss: { type: 'string', default: '2' },
  bad: { type: 'string', default: '1' },
  speed: { type: 'string', default: '1' },
  port: { type: 'string', default: '8099' },
  dir: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const

/** null: help was asked for. Throws with what is wrong. */
export function readOptions(args: readonly string[]): Options | null {
  const { values } = parseArgs({ args: [...args], options: FLAGS })
  if (values.help) return null
  const number = (
    name: 'stores' | 'aps' | 'tags' | 'changed' | 'check-in' | 'loss' | 'bad' | 'speed' | 'port',
    min: number,
    max: number,
  ): number => {
    const value = Number(values[name])
    if (!(value >= min && value <= max)) throw new Error(`--${name}: ${min} to ${max}`)
    return value
  }
  const content = values.content ?? (values.flash ? 'fields' : 'image')
  if (content !== 'fields' && content !== 'image') throw new Error('--content: fields or image')
  return {
    fleet: {
      stores: number('stores', 1, 1000),
      apsPerStore: number('aps', 1, 100),
      tagsPerAp: number('tags', 1, 2000),
    },
    shelf: {
      checkInMs: number('check-in', 1, 3600) * 1000,
      awakeMs: 60_000,
      radioBytesPerSecond: 5000,
      loss: number('loss', 0, 90) / 100,
      badRedraws: number('bad', 0, 100) / 100,
      speed: number('speed', 0.1, 1000),
    },
    content,
    flash: values.flash,
    changed: number('changed', 1, 100_000),
    port: number('port', 0, 65_535),
    directory: values.dir ?? null,
  }
}
