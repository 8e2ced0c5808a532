/**
 * A map of which there are very many, most of them with one entry: that one stands in the object itself, for a `Map` of
 * one entry weighs four times as much.
 */
export class SmallMap<K, V extends object> {
  private key: K | undefined = undefined
  private value: V | null = null
  /** With two entries or more: all of them. */
  private many: Map<K, V> | null = null

  get size(): number {
    if (this.many !== null) return this.many.size
    return this.value === null ? 0 : 1
  }

  get(key: K): V | undefined {
    if (this.many !== null) return this.many.get(key)
    return this.value !== null && this.key === key ? this.value : undefined
  }

  has(key: K): boolean {
    return this.get(key) !== undefined
  }

  set(key: K, value: V): void {
    if (this.many !== null) {
      this.many.set(key, value)
      return
    }
    if (this.value === null || this.key === key) {
      this.key = key
      this.value = value
      return
    }
    this.many = new Map([
      [this.key as K, this.value],
      [key, value],
    ])
    this.key = undefined
    this.value = null
  }

  delete(key: K): boolean {
    if (this.many !== null) return this.many.delete(key)
    if (this.value === null || this.key !== key) return false
    this.key = undefined
    this.value = null
    return true
  }

  /** In the order they came. */
  keys(): IterableIterator<K> {
    return this.many === null ? this.one(this.key) : this.many.keys()
  }

  values(): IterableIterator<V> {
    return this.many === null ? this.one(this.value) : this.many.values()
  }

  private one<T>(single: T | null | undefined): IterableIterator<T> {
    return this.value === null ? [].values() : [single as T].values()
  }
}
