/** Batches of several doors: whoever waits for one is told when it is safe, and that it is not. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { JointBatches, type DoorBatches } from '../../src/threads/joint-batches.ts'

interface NamedDoor extends DoorBatches {
  readonly name: string
}

function twoDoors() {
  const door = (name: string): NamedDoor => ({ name, isDirty: false, lastSealed: 0, lastDone: 0 })
  const [left, right] = [door('left'), door('right')]
  const sealed: number[] = []
  const batches = new JointBatches({ seal: (batch) => void sealed.push(batch) }, [left, right])
  const failed = (joint: number): Record<string, number> => {
    const told: Record<string, number> = {}
    batches.failed(joint, ({ name }, batch) => void (told[name] = batch))
    return told
  }
  return { left, right, batches, sealed, failed }
}

test('a batch that waits for the seal of another door is among those that a full disk does not take', () => {
  const { left, right, batches, sealed, failed } = twoDoors()
  batches.seal(left, 1)
  left.isDirty = true
  batches.seal(right, 1)
  assert.deepEqual(sealed, [1], "the second one waits for the left door's seal")
  assert.deepEqual(failed(1), { left: 1, right: 1 })
})

test('of a door nothing of which waits, the next batch is the first that is not safe', () => {
  const { left, right, batches, failed } = twoDoors()
  batches.seal(right, 1)
  batches.committed(1, () => {})
  batches.seal(left, 1)
  assert.deepEqual(failed(2), { left: 1, right: 2 })
})
