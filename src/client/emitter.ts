/** Listeners by event name; what each event carries is the type's to say. */
export class Emitter<Events extends object> {
  private readonly listeners = new Map<keyof Events, ((event: never) => void)[]>()

  /** @returns what takes the listener away again. */
  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void {
    this.listeners.set(name, [...(this.listeners.get(name) ?? []), listener])
    return () => {
      const left = (this.listeners.get(name) ?? []).filter((each) => each !== listener)
      this.listeners.set(name, left)
    }
  }

  has(name: keyof Events): boolean {
    return (this.listeners.get(name)?.length ?? 0) > 0
  }

  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    for (const listener of this.listeners.get(name) ?? []) {
      ;(listener as (event: Events[Name]) => void)(event)
    }
  }
}
