/** Tells pages which tasks have moved: gathered for a moment, for each page those of the shelves that it shows. */
import { aisleOf, placeOf, skuOf, type Fleet } from '../model/fleet.ts'

export interface Move {
  readonly id: number
  readonly tag: string
  readonly state: string
}

/** 0: all of them. */
export interface Place {
  readonly store: number
  readonly ap: number
  readonly aisle: number
}

/** How pages are told. */
export type Teller = (moves: readonly Move[]) => void

const GATHER_MS = 200
/** Moves in one telling; a page that shows that many asks for all of it anyway. */
const MOVES_MAX = 2000

export class Feed {
  private readonly readers = new Set<(moves: readonly Move[]) => void>()
  private moves: Move[] = []
  private timer: NodeJS.Timeout | null = null

  tell(moves: readonly Move[]): void {
    if (this.readers.size === 0 || moves.length === 0) return
    this.moves.push(...moves)
    this.timer ??= setTimeout(() => this.flush(), GATHER_MS)
  }

  /** Returns what ends it. */
  read(fleet: Fleet, place: Place, teller: Teller): () => void {
    const reader: Teller = (moves) => {
      const own = moves.filter(({ tag }) => isAt(fleet, tag, place)).slice(-MOVES_MAX)
      if (own.length > 0) teller(own)
    }
    this.readers.add(reader)
    return () => void this.readers.delete(reader)
  }

  private flush(): void {
    this.timer = null
    const moves = this.moves.splice(0)
    for (const reader of this.readers) reader(moves)
  }
}

function isAt(fleet: Fleet, tag: string, wanted: Place): boolean {
  const { store, ap, tag: number } = placeOf(tag)
  if (wanted.store !== 0 && wanted.store !== store) return false
  if (wanted.ap !== 0 && wanted.ap !== ap) return false
  return wanted.aisle === 0 || wanted.aisle === aisleOf(skuOf(fleet, ap, number))
}
