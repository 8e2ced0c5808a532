import assert from 'node:assert/strict'
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, before, test } from 'node:test'
import { findDamage } from '../../src/store/level/check-files.ts'
import { openLevel } from '../../src/store/level/database.ts'
import { createLevelStore } from '../../src/store/level/level-store.ts'
import { MARKER_FILE, openMarker } from '../../src/store/level/marker.ts'
import { salvage } from '../../src/store/level/salvage.ts'
import { Told } from './told.ts'

const root = mkdtempSync(join(tmpdir(), 'mozzie-damage-'))
const sound = join(root, 'sound')
const VALUE = 700
const LOGGED = 300

/** Distinct, without zeros: a missing sector is not hidden by its content. */
const valueOf = (n: number): Uint8Array => new Uint8Array(VALUE).fill(1 + (n % 250))

// One table, and a log of several blocks behind it, as a process leaves it that was killed. The last writes were not synced,
// so nobody was told that they are safe.
before(async () => {
  const living = join(root, 'living')
  const database = await openLevel(living)
  const put = (key: Uint8Array, n: number, sync = false) =>
    database.batch().put(key, valueOf(n)).write({ sync })
  for (let n = 0; n < 200; n++) await put(Uint8Array.of(1, n), n)
  await database.compactRange(Uint8Array.of(0), Uint8Array.of(255))
  for (let n = 0; n < LOGGED; n++) await put(Uint8Array.of(2, n >> 8, n & 255), n, n % 50 === 0)
  cpSync(living, sound, { recursive: true })
  await database.close()
})
after(() => rmSync(root, { recursive: true, force: true }))

let copies = 0
/** A copy of the sound store; its newest log, and its table. */
function copy() {
  const location = join(root, `copy${++copies}`)
  cpSync(sound, location, { recursive: true })
  const find = (end: string) =>
    join(
      location,
      readdirSync(location)
        .filter((name) => name.endsWith(end))
        .sort()
        .at(-1)!,
    )
  return { location, log: find('.log'), table: find('.ldb') }
}

function change(path: string, edit: (bytes: Buffer) => void): void {
  const bytes = readFileSync(path)
  edit(bytes)
  writeFileSync(path, bytes)
}

/** Opens without a complaint; how many logged values are there. */
async function countLogged(location: string): Promise<number> {
  const database = await openLevel(location)
  const keys = await database.keys({ gte: Uint8Array.of(2), lt: Uint8Array.of(3) }).all()
  await database.close()
  return keys.length
}

test('a sound store has no damage', async () => {
  const { location } = copy()
  assert.equal(findDamage(location), null)
  assert.equal(await countLogged(location), LOGGED)
})

test('a log may end anywhere: what is in front of the cut is there', async () => {
  const { log } = copy()
  const whole = readFileSync(log)
  for (let cut = whole.length; cut > whole.length - 2 * VALUE; cut -= 13) {
    const { location, log: path } = copy()
    writeFileSync(path, whole.subarray(0, cut))
    assert.equal(findDamage(location), null, `cut at ${cut} of ${whole.length}`)
  }
})

test('the last write may miss sectors', async () => {
  const { location, log } = copy()
  // Within the last record, which is a little longer than its value.
  const sector = Math.floor((statSync(log).size - 200) / 512) * 512
  change(log, (bytes) => bytes.fill(0, sector, Math.min(sector + 512, bytes.length)))
  assert.equal(findDamage(location), null)
  assert.ok((await countLogged(location)) >= LOGGED - 1)
})

test('missing sectors with a later write behind them are damage', () => {
  const { location, log } = copy()
  change(log, (bytes) => bytes.fill(0, 40_960, 45_056))
  assert.match(findDamage(location) ?? '', /^\d+\.log: the record at byte \d+ does not match/)
})

test('a flipped bit is damage, in the middle of a log and in its last record', () => {
  const size = statSync(copy().log).size
  for (const at of [10, 5000, 40_000, size - 100]) {
    const { location, log } = copy()
    change(log, (bytes) => void (bytes[at] ^= 4))
    assert.match(findDamage(location) ?? '', /does not match its checksum/, `byte ${at} of ${size}`)
  }
})

test('a table of the store must be whole', () => {
  const cut = copy()
  change(cut.table, (bytes) => bytes.fill(0, bytes.length - 20))
  assert.match(findDamage(cut.location) ?? '', /^\d+\.ldb: it has no footer/)
  const gone = copy()
  rmSync(gone.table)
  assert.match(findDamage(gone.location) ?? '', /^the table \d+ is missing/)
})

test('a table that a killed compaction left behind is no matter', async () => {
  const { location } = copy()
  appendFileSync(join(location, '999999.ldb'), 'half a table')
  assert.equal(findDamage(location), null)
  assert.equal(await countLogged(location), LOGGED)
})

/** Why a store does not open. */
function refusalOf(location: string): Promise<string> {
  const store = createLevelStore({ location, sync: 'never', wallMs: Date.now, warn() {} })
  const told = new Told()
  return new Promise((resolve) =>
    store.open({ ...told.events, failed: (_batch, _failure, error) => resolve(error.message) }),
  )
}

for (const kind of ['table', 'manifest'] as const)
  test(`a ${kind} that the system does not read is not called damaged, and the rest is salvaged`, async () => {
    const { location, table } = copy()
    const manifest = join(location, readFileSync(join(location, 'CURRENT'), 'latin1').trim())
    const path = kind === 'table' ? table : manifest
    rmSync(path)
    mkdirSync(path)
    assert.match(await refusalOf(location), /^unable to read the store in .*EISDIR/)
    const { damage, lost } = await salvage(location, join(root, `salvaged ${kind}`))
    assert.match(damage ?? '', /EISDIR/)
    const names = lost.map(({ file }) => file)
    assert.equal(names.includes(basename(path)), kind === 'table')
  })

test(
  'a marker for which there is no space leaves no file open',
  { skip: process.platform === 'linux' ? false : 'nothing stands for a full disk here' },
  () => {
    const location = mkdtempSync(join(root, 'marker-'))
    symlinkSync('/dev/full', join(location, MARKER_FILE))
    const open = (): number => readdirSync('/proc/self/fd').length
    const before = open()
    for (let n = 0; n < 3; n++) assert.throws(() => openMarker(location, 1), { code: 'ENOSPC' })
    assert.equal(open(), before)
  },
)
