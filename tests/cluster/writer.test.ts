/** What becomes of a group when NATS says what nobody expects, or another row comes while one is on its way. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WRONG_LAST } from '../../src/cluster/failures.ts'
import type { Membership } from '../../src/cluster/membership.ts'
import { writeRow, type SessionRow } from '../../src/cluster/rows.ts'
import { SessionTable, type KnownSession } from '../../src/cluster/session-table.ts'
import type { Outcome, StreamEntry, Wire } from '../../src/cluster/wire.ts'
import { Writer, type WriterEvents } from '../../src/cluster/writer.ts'

const EVERYBODY: Pick<Membership, 'isAlive' | 'isFirst'> = {
  isAlive: () => true,
  isFirst: () => false,
}
const REFUSED: Outcome = { kind: 'refused', code: WRONG_LAST, text: 'wrong last sequence' }

function rowOf(more: Partial<SessionRow>): SessionRow {
  return {
    clientId: 'c',
    owner: '',
    keeper: 'b',
    epoch: 1,
    partition: 0,
    record: null,
    isGone: false,
    sentTo: -1,
    subscriptions: new Map(),
    ...more,
  }
}

const entry = (sequence: number, row: SessionRow): StreamEntry => ({
  sequence,
  subject: 's',
  pending: 0,
  data: writeRow(row),
})

/** A writer of node a, one session, and a wire that answers as it is told. */
function stage(wire: Partial<Wire>, events: Partial<WriterEvents>, row: SessionRow) {
  const said: string[] = []
  const table = new SessionTable(
    'a',
    EVERYBODY as Membership,
    () => {},
    () => {},
  )
  const writer = new Writer(wire as Wire, { name: 't', node: 'a', run: 'run' }, table, {
    committed: () => void said.push('committed'),
    overflowed: () => void said.push('overflowed'),
    tooLarge: () => void said.push('too large'),
    refused: () => void said.push('refused'),
    broken: (error) => void said.push(`broken: ${(error as Error).message}`),
    remains: () => Promise.resolve(() => Promise.resolve()),
    ...events,
  })
  const known: KnownSession = table.add(row)
  known.sequence = 5
  return { said, table, writer, known }
}

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate)
}

test('what cannot be written because of an error is not said to be stored', async () => {
  const remains = (): Promise<never> => Promise.reject(new Error('stream not found'))
  const { said, writer, known } = stage({}, { remains }, rowOf({ isGone: true }))
  writer.writeWithGroup(known)
  writer.seal(1)
  await turns()
  assert.deepEqual(said, ['broken: stream not found'])
})

test('a row that comes while an older one is read is not lost behind that', async () => {
  const { table, writer, known } = stage(
    {
      putUntilAnswered: () => Promise.resolve(REFUSED),
      readOne: () => {
        table.apply(entry(20, rowOf({ owner: 'b', epoch: 3 })))
        return Promise.resolve(entry(10, rowOf({ owner: 'c', epoch: 2 })))
      },
    },
    {},
    rowOf({ keeper: 'a' }),
  )
  table.tellAll()
  writer.writeWithGroup(known)
  await writer.flush()
  assert.deepEqual([known.row.owner, known.sequence], ['b', 20])
})

test('a session that is claimed while the end of the one before is prepared is not deleted', async () => {
  const written: number[] = []
  const { writer, known } = stage(
    {
      putUntilAnswered: () => {
        written.push(known.sequence)
        return Promise.resolve({ sequence: 8, isDuplicate: false })
      },
    },
    {
      remains: () => {
        known.row = rowOf({ owner: 'a', keeper: 'a', epoch: 2 })
        known.sequence = 7
        return Promise.resolve(() => assert.fail('what it has is not taken out'))
      },
    },
    rowOf({ isGone: true }),
  )
  writer.writeWithGroup(known)
  await writer.flush()
  assert.deepEqual(written, [])
  assert.equal(known.writing, 0)
})
