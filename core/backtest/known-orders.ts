/**
 * Slots of the orders that their owner knows, by id and so by age, as ids only rise. What is forgotten leaves a hole; holes are closed when
 * room is needed. Nothing is allocated per order: a Map leaves a table to the collector for every few dozen of them.
 */
export class KnownOrders {
  count = 0
  #ids = new Float64Array(64)
  /** −1: forgotten. */
  #slots = new Int32Array(64)
  #length = 0

  /** @param id greater than all before */
  add(id: number, slot: number): void {
    if (this.#length === this.#ids.length) this.#makeRoom()
    this.#ids[this.#length] = id
    this.#slots[this.#length++] = slot
    this.count++
  }

  /** Slot of an order; −1: it is not known. */
  slotOf(id: number): number {
    const at = this.#firstFrom(id)
    return at < this.#length && this.#ids[at] === id ? this.#slots[at]! : -1
  }

  /** Forgets an order that is known. */
  remove(id: number): void {
    this.#slots[this.#firstFrom(id)] = -1
    this.count--
  }

  clear(): void {
    this.count = 0
    this.#length = 0
  }

  /** By age, those that are known as it begins; others may be added and forgotten meanwhile. */
  *[Symbol.iterator](): Generator<number, void, undefined> {
    const last = this.#length === 0 ? 0 : this.#ids[this.#length - 1]!
    for (let at = 0; at < this.#length && this.#ids[at]! <= last; ) {
      const id = this.#ids[at]!
      const slot = this.#slots[at++]!
      if (slot < 0) continue
      yield slot
      at = this.#firstFrom(id + 1)
    }
  }

  /** Where the first id from this one on stands. */
  #firstFrom(id: number): number {
    let [from, end] = [0, this.#length]
    while (from < end) {
      const middle = (from + end) >>> 1
      if (this.#ids[middle]! < id) from = middle + 1
      else end = middle
    }
    return from
  }

  #makeRoom(): void {
    const [ids, slots, length] = [this.#ids, this.#slots, this.#length]
    if (2 * this.count > length) {
      this.#ids = new Float64Array(2 * length)
      this.#slots = new Int32Array(2 * length)
    }
    this.#length = 0
    for (let at = 0; at < length; at++) {
      if (slots[at]! < 0) continue
      this.#ids[this.#length] = ids[at]!
      this.#slots[this.#length++] = slots[at]!
    }
  }
}
