/** What is kept by the browser, which may be forbidden or full. */

/** localStorage or sessionStorage; in tests what stands for them. */
export interface Keeps {
  getItem(key: string): string | null
  setItem(key: string, value: string): void
}

/** null: nothing is there that can be read. */
export function read(storage: Keeps | null, key: string): unknown {
  try {
    return JSON.parse(storage?.getItem(key) ?? 'null')
  } catch {
    return null
  }
}

/** false: the storage is full. */
export function store(storage: Keeps | null, key: string, value: unknown): boolean {
  try {
    storage?.setItem(key, JSON.stringify(value))
    return true
  } catch {
    return false
  }
}
