/** Where each tag hangs, as numbers instead of tables: half a million tags need no file. */

export interface Fleet {
  readonly stores: number
  readonly apsPerStore: number
  readonly tagsPerAp: number
}

export const AISLES = 8

export const apName = (store: number, ap: number): string => `ap-${store}-${ap}`

/** Store, AP and number of a tag, from 1 on. */
export function placeOf(name: string): { store: number; ap: number; tag: number } {
  const [store, ap, tag] = name.split('-').map(Number)
  return { store, ap, tag }
}

/** The article of a tag: the same shelf in every store. */
export const skuOf = (fleet: Fleet, ap: number, tag: number): number =>
  (ap - 1) * fleet.tagsPerAp + tag

/** Mostly small ones; the large ones hang at the end of an aisle. */
export const typeOf = (sku: number): number =>
  sku % 24 === 0 ? 3 : sku % 12 === 0 ? 2 : sku % 3 === 0 ? 1 : 0

export const aisleOf = (sku: number): number => (sku % AISLES) + 1
