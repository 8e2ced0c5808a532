/** A door of the joint store: what is known of it, and how its node is told something. */
import type { StoreEvents } from '../ports/store.ts'
import type { DoorBatches } from './joint-batches.ts'

export interface DoorState extends DoorBatches {
  readonly name: string
  readonly defer: (run: () => void) => void
  readonly sync: (done: () => void) => void
  events: StoreEvents | null
  isClosed: boolean
  /** When it wrote retained messages last, by topic, while there is something that it has not been told yet. */
  readonly retainedAt: Map<string, number>
  untold: number
}

export function createDoor(
  name: string,
  defer: DoorState['defer'],
  sync: DoorState['sync'],
): DoorState {
  return {
    name,
    defer,
    sync,
    events: null,
    isClosed: false,
    isDirty: false,
    lastSealed: 0,
    lastDone: 0,
    retainedAt: new Map(),
    untold: 0,
  }
}

/** Tells a node something when it has been told all that came before, and not within a call. */
export function tell(door: DoorState, run: (events: StoreEvents) => void): void {
  door.untold++
  door.defer(() => {
    if (door.events !== null && !door.isClosed) run(door.events)
    if (--door.untold === 0) door.retainedAt.clear()
  })
}
