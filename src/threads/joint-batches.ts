/**
 * Batches of several doors as batches of one store: none of the store's ends in the middle of a door's, so a door that has
 * written and not sealed makes the others' batches wait for its seal.
 */
import type { Store } from '../ports/store.ts'

/** What is known of a door's batches. */
export interface DoorBatches {
  /** It has written what it has not sealed yet. */
  isDirty: boolean
  lastSealed: number
  lastDone: number
}

interface Mark<Door> {
  readonly door: Door
  /** Its batch is in this one of the store. */
  readonly joint: number
  readonly batch: number
}

export class JointBatches<Door extends DoorBatches> {
  private readonly store: Pick<Store, 'seal'>
  private readonly doors: readonly Door[]
  private marks: Mark<Door>[] = []
  /** Sealed by their doors, and waiting for another door's seal. */
  private waiting: Omit<Mark<Door>, 'joint'>[] = []
  private lastSealed = 0
  /** The store has no space, or had none until now. */
  private isFull = false

  constructor(store: Pick<Store, 'seal'>, doors: readonly Door[]) {
    this.store = store
    this.doors = doors
  }

  seal(door: Door, batch: number): void {
    door.isDirty = false
    door.lastSealed = batch
    this.waiting.push({ door, batch })
    if (this.doors.some(({ isDirty }) => isDirty)) return
    const joint = ++this.lastSealed
    for (const one of this.waiting) this.marks.push({ ...one, joint })
    this.waiting = []
    this.store.seal(joint)
  }

  /** A batch of the store is safe: tells each door which of its own are. */
  committed(joint: number, tell: (door: Door, batch: number) => void): void {
    const isDone = (mark: Mark<Door>): boolean => mark.joint <= joint
    const wasFull = this.isFull
    this.isFull = false
    for (const door of this.doors) {
      const last = this.marks.findLast((mark) => mark.door === door && isDone(mark))
      if (last !== undefined) door.lastDone = last.batch
      // That there is room again concerns those too who have nothing in it.
      if (last !== undefined || wasFull) tell(door, door.lastDone)
    }
    this.marks = this.marks.filter((mark) => !isDone(mark))
  }

  /** A batch of the store failed: tells each door from which of its own on nothing is safe. */
  failed(joint: number, tell: (door: Door, batch: number) => void): void {
    this.isFull = true
    for (const door of this.doors) {
      const first =
        this.marks.find((mark) => mark.door === door && mark.joint >= joint) ??
        this.waiting.find((mark) => mark.door === door)
      tell(door, first?.batch ?? door.lastSealed + 1)
    }
  }
}
