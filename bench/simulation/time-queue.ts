/** Values in order of time; of the same time, in the order in which they came: a binary heap. */
export class TimeQueue<T> {
  readonly #entries: { readonly time: number; readonly order: number; readonly value: T }[] = []
  #count = 0

  get size(): number {
    return this.#entries.length
  }

  /** Of the first; Infinity when there is none. */
  get time(): number {
    return this.#entries[0]?.time ?? Number.POSITIVE_INFINITY
  }

  push(time: number, value: T): void {
    const entries = this.#entries
    entries.push({ time, order: this.#count++, value })
    for (let at = entries.length - 1; at > 0; ) {
      const parent = (at - 1) >> 1
      if (!this.#isBefore(at, parent)) return
      this.#swap(at, parent)
      at = parent
    }
  }

  pop(): T {
    const entries = this.#entries
    const first = entries[0]!
    const last = entries.pop()!
    if (entries.length > 0) {
      entries[0] = last
      for (let at = 0; ; ) {
        let least = at
        for (const child of [2 * at + 1, 2 * at + 2]) if (child < entries.length && this.#isBefore(child, least)) least = child
        if (least === at) break
        this.#swap(at, least)
        at = least
      }
    }
    return first.value
  }

  #isBefore(a: number, b: number): boolean {
    const [x, y] = [this.#entries[a]!, this.#entries[b]!]
    return x.time < y.time || (x.time === y.time && x.order < y.order)
  }

  #swap(a: number, b: number): void {
    const entries = this.#entries
    const kept = entries[a]!
    entries[a] = entries[b]!
    entries[b] = kept
  }
}
