// Replay with MOZZIE_DAMAGE_SEED=n; every bit and many more places: npm run crash -- --damage 200.
import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { ClassicLevel } from 'classic-level'
import { isLog, isTable } from '../../src/store/level/check-files.ts'
import { crc32c, masked } from '../../src/store/level/crc32c.ts'
import { openDatabase, openLevel } from '../../src/store/level/database.ts'
import { Kind } from '../../src/store/level/keys.ts'
import { visitRecords } from '../../src/store/level/log-records.ts'
import { MARKER_FILE } from '../../src/store/level/marker.ts'
import { writeUint } from '../../src/store/level/records.ts'
import { salvage } from '../../src/store/level/salvage.ts'
import { salvageFiles } from '../../src/store/level/salvage-files.ts'
import { beginRecord, endRecord } from '../../src/store/level/sealed-record.ts'
import { salvageTable, tableProblem } from '../../src/store/level/table-file.ts'
import { couldBeBatch } from '../../src/store/level/write-batch.ts'
import { seeded } from '../sim/world.ts'
import {
  contentOf,
  flip,
  harms,
  makeKilledStore,
  makeSwitchedStore,
  quickDirectory,
  Torture,
  versionsIn,
} from './damaging.ts'

/** A batch that deletes `count` keys, or puts one value. */
function batchOf(sequence: number, count: number, value?: Uint8Array): Buffer {
  const head = Buffer.alloc(12)
  head.writeUInt32LE(sequence)
  head.writeUInt32LE(count, 8)
  if (value === undefined)
    return Buffer.concat([head, ...Array<Buffer>(count).fill(Buffer.from([0, 1, 1]))])
  const { length } = value
  return Buffer.concat([head, Buffer.from([1, 1, 1, (length & 0x7f) | 0x80, length >> 7]), value])
}

/** A record of a log that is one part. */
function recordOf(data: Uint8Array): Buffer {
  const bytes = Buffer.concat([
    Buffer.from([0, 0, 0, 0, data.length & 0xff, data.length >> 8, 1]),
    data,
  ])
  bytes.writeUInt32LE(masked(crc32c(bytes, 6, bytes.length)))
  return bytes
}

const filesIn = (location: string) =>
  readdirSync(location).map((name) => [name, readFileSync(join(location, name)).toString('hex')])

const seed = Number(process.env['MOZZIE_DAMAGE_SEED'] ?? Date.now() % 1e9)
const root = mkdtempSync(join(quickDirectory, 'mozzie-matrix-'))
let sound = ''
let torture: Torture

before(async () => {
  sound = await makeKilledStore(root, 200)
  torture = await new Torture(sound).begin()
})
after(() => {
  torture.end()
  rmSync(root, { recursive: true, force: true })
})

for (const [what, make] of [
  ['a store', async () => sound],
  ['a store whose log has just changed', () => makeSwitchedStore(root, 60)],
] as const)
  test(`whatever happens to a file of ${what}: it is refused by name, or nothing is missing`, async (t) => {
    t.diagnostic(`MOZZIE_DAMAGE_SEED=${seed}`)
    const location = await make()
    const tortured = await new Torture(location).begin()
    t.after(() => tortured.end())
    const counts = { refused: 0, same: 0, changed: 0 }
    for (const harm of harms(location, seeded(seed), { cuts: 6, flips: 16, sectors: 6 })) {
      const { kind, why } = await tortured.inflict(harm)
      counts[kind]++
      assert.notEqual(kind, 'changed', `${harm.file} ${harm.how}, MOZZIE_DAMAGE_SEED=${seed}`)
      if (kind === 'refused') assert.match(why, /CURRENT|MANIFEST|\.ldb|\.log|SAFE|the (table|log)/)
    }
    t.diagnostic(JSON.stringify(counts))
    assert.ok(counts.refused > 100)
  })

test('a store that is refused is left as it is, down to the last file', async () => {
  const location = join(root, 'refused')
  const manifest = readdirSync(sound).find((name) => name.startsWith('MANIFEST'))!
  const log = readdirSync(sound).find(isLog)!
  for (const [file, to] of [
    ['CURRENT', null],
    [log, null],
    [log, new Uint8Array(0)],
    [manifest, readFileSync(join(sound, manifest)).subarray(0, 60)],
    [manifest, flip(manifest, readFileSync(join(sound, manifest)), 55 * 8).to],
  ] as const) {
    rmSync(location, { recursive: true, force: true })
    cpSync(sound, location, { recursive: true })
    if (to === null) rmSync(join(location, file))
    else writeFileSync(join(location, file), to)
    const before = filesIn(location)
    await assert.rejects(openDatabase(location), (error: Error) => {
      assert.match(
        error.message,
        new RegExp(`is damaged: .*(${file}|the log).*Nothing was changed.*salvage`),
      )
      return true
    })
    assert.deepEqual(filesIn(location), before)
  }
})

test('no bit of a table or a log flips unnoticed', async (t) => {
  t.diagnostic(`MOZZIE_DAMAGE_SEED=${seed}`)
  const random = seeded(seed)
  for (const file of readdirSync(sound).filter((name) => isTable(name) || isLog(name))) {
    const bytes = readFileSync(join(sound, file))
    for (let n = 0; n < 150; n++) {
      const harm = flip(file, bytes, Math.floor(random() * bytes.length * 8))
      const { kind } = await torture.inflict(harm)
      assert.equal(kind, 'refused', `${file} ${harm.how}, MOZZIE_DAMAGE_SEED=${seed}`)
    }
  }
})

test('salvage of a sound store brings everything, of a damaged one nothing that was never there', async (t) => {
  t.diagnostic(`MOZZIE_DAMAGE_SEED=${seed}`)
  const random = seeded(seed)
  const known = versionsIn(sound)
  let lives = 0
  const salvageOf = async (from: string) => {
    const to = join(root, `salvaged${++lives}`)
    const lost: string[] = []
    await salvageFiles(
      { from, to, without: [] },
      { reading() {}, lost: ({ file }) => void lost.push(file) },
    )
    return { lines: (await contentOf(to)).split('\n'), lost }
  }
  const copy = join(root, 'copy')
  cpSync(sound, copy, { recursive: true })
  const whole = (await contentOf(copy)).split('\n')
  const all = await salvageOf(sound)
  assert.deepEqual([all.lines.length, all.lost], [whole.length, []])
  const wanted = [...harms(sound, random, { cuts: 2, flips: 2, sectors: 2 })]
  for (const { file, how, to } of wanted) {
    rmSync(copy, { recursive: true, force: true })
    cpSync(sound, copy, { recursive: true })
    if (to === null) rmSync(join(copy, file))
    else writeFileSync(join(copy, file), to)
    const { lines, lost } = await salvageOf(copy)
    for (const line of lines) assert.ok(known.has(line), `${file} ${how}: ${line}`)
    const isData = isTable(file) || isLog(file)
    if (!isData) assert.deepEqual(lines, all.lines, `${file} ${how}`)
    else if (how.startsWith('bit')) {
      assert.ok(lines.length > all.lines.length / 4, `${file} ${how}: ${lines.length} left`)
      // Some blocks only help to find things.
      if (!lost.includes(file)) assert.deepEqual(lines, all.lines, `${file} ${how}`)
    }
  }
})

test('salvage brings no old retained message where a later one may be lost', async () => {
  const from = join(root, 'old and new')
  const key = Uint8Array.from([Kind.retained, 0x74])
  for (const value of [1, 2]) {
    const database = await openLevel(from)
    const batch = database.batch()
    writeUint(beginRecord(key), value)
    endRecord(batch, key)
    await batch.write({ sync: true })
    // The first one sinks to a table of its own; the second one becomes another at the next start.
    if (value === 1) await database.compactRange(Uint8Array.of(0), Uint8Array.of(255))
    await database.close()
  }
  await (await openLevel(from)).close()
  const newest = readdirSync(from).filter(isTable).sort().at(-1)!
  assert.equal(readdirSync(from).filter(isTable).length, 2)
  const path = join(from, newest)
  writeFileSync(path, flip(newest, readFileSync(path), 3 * 8).to)
  const to = join(root, 'nothing rather')
  await salvageFiles({ from, to, without: [] }, { reading() {}, lost() {} })
  assert.ok(!(await contentOf(to)).includes(Buffer.from(key).toString('hex')))
})

test('what the process that reads dies of is a finding: the other files are brought', async (t) => {
  // It dies whenever it comes to a second file, until there is none.
  process.env['MOZZIE_FAILPOINT'] = 'salvage:2'
  t.after(() => delete process.env['MOZZIE_FAILPOINT'])
  const to = join(root, 'survived')
  const { damage, lost, brought } = await salvage(sound, to)
  assert.equal(damage, null)
  assert.ok(lost.length > 0 && lost.every(({ why }) => why.includes('ended the process (SIGKILL)')))
  assert.ok((brought.get('queued messages') ?? 0) > 10)
  await (await openDatabase(to)).close()
})

test('a client cannot make a torn end look like damage', () => {
  // The payload of the write that is torn looks like records of a log, down to the checksums.
  const hostile = recordOf(batchOf(1, 5))
  const record = recordOf(batchOf(7, 1, Buffer.concat([Buffer.alloc(1200, 1), hostile])))
  const log = Buffer.concat([recordOf(batchOf(6, 1)), record])
  log.fill(0, 512, 1024)
  const expected = (_: Uint8Array, start: number, end: number) => couldBeBatch(log, start, end, 6)
  const seen: number[] = []
  assert.equal(
    visitRecords(log, (_record, end) => void seen.push(end), expected),
    -1,
  )
  assert.equal(seen.length, 1)
  assert.ok(visitRecords(log, () => {}) > 0, 'the canary: by checksums alone it does')
})

test('tables are read as LevelDB reads them, compressed or not', async () => {
  const random = seeded(seed)
  const location = join(root, 'readers')
  const database = await openLevel(location)
  const batch = database.batch()
  for (let n = 0; n < 3000; n++) {
    const value = new Uint8Array(Math.floor(random() ** 4 * 20_000))
    // Runs, repetitions from afar and near, and noise: all that Snappy knows.
    for (let at = 0; at < value.length; at++)
      value[at] = n % 3 === 0 ? random() * 256 : (at >> (n % 7)) % (1 + (n % 90))
    batch.put(Uint8Array.of(1, n >> 8, n & 255), value)
  }
  await batch.write({ sync: true })
  await database.compactRange(Uint8Array.of(0), Uint8Array.of(255))
  const expected = (await database.iterator().all()).map(([key, value]) => [
    Buffer.from(key).toString('hex'),
    Buffer.from(value).toString('base64'),
  ])
  await database.close()
  const read = new Map<string, string>()
  for (const name of readdirSync(location).filter(isTable)) {
    const bytes = readFileSync(join(location, name))
    assert.equal(tableProblem(bytes), null)
    const visit = (key: Uint8Array, value: Uint8Array | null) =>
      void read.set(Buffer.from(key).toString('hex'), Buffer.from(value!).toString('base64'))
    salvageTable(bytes, visit, () => assert.fail('something is lost'))
  }
  assert.deepEqual([...read].sort(), expected.sort())
})

test('a table without its footer still gives its blocks', () => {
  const file = readdirSync(sound).find(isTable)!
  const bytes = readFileSync(join(sound, file))
  const keysOf = (table: Uint8Array) => {
    const keys = new Set<string>()
    salvageTable(
      table,
      (key, value) => void (value !== null && keys.add(key.toString())),
      () => {},
    )
    return keys
  }
  const whole = keysOf(bytes)
  const without = keysOf(bytes.subarray(0, bytes.length - 48))
  for (const key of whole) assert.ok(without.has(key))
})

test('a store of an older version, without marker and chain, is opened and gets both', async () => {
  const location = join(root, 'older')
  const old = new ClassicLevel<Uint8Array, Uint8Array>(location, {
    keyEncoding: 'view',
    valueEncoding: 'view',
  })
  await old.open()
  const write = async (key: Uint8Array, value: number) => {
    const batch = old.batch()
    writeUint(beginRecord(key), value)
    endRecord(batch, key)
    await batch.write({ sync: true })
  }
  await write(Uint8Array.of(Kind.meta), 1)
  // Its log changes while it is open: nothing says where the new one must go on.
  await old.compactRange(Uint8Array.of(0), Uint8Array.of(255))
  await write(Uint8Array.of(1), 2)
  await write(Uint8Array.of(2), 2)
  await old.close()
  // Even so, a record behind a damaged one is seen.
  const log = join(location, readdirSync(location).find(isLog)!)
  const bytes = readFileSync(log)
  writeFileSync(log, flip(log, bytes, 5 * 8 + 3).to)
  await assert.rejects(openDatabase(location), /the record at byte 0 does not match/)
  writeFileSync(log, bytes)
  await (await openDatabase(location)).close()
  assert.ok(readdirSync(location).includes(MARKER_FILE))
  const again = await openDatabase(location)
  assert.ok((await again.get(Uint8Array.of(1))) !== undefined)
  await again.close()
  rmSync(join(location, MARKER_FILE))
  await assert.rejects(openDatabase(location), /SAFE is missing/)
})
