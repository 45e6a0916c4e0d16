/** Values by texts that stand in bytes, found without making a string of each. */
export class ByText<T> {
  #keys: (Uint8Array | null)[] = new Array(64).fill(null)
  #values: (T | undefined)[] = new Array(64).fill(undefined)
  #count = 0
  /** Of the last one that was found. */
  #last = 0

  /** What was put for a text; undefined: nothing. */
  get(bytes: Uint8Array, start: number, end: number): T | undefined {
    if (isSame(this.#keys[this.#last]!, bytes, start, end)) return this.#values[this.#last]
    const at = this.#slot(bytes, start, end)
    if (this.#keys[at] === null) return undefined
    this.#last = at
    return this.#values[at]
  }

  /** Puts a value for a text, in place of the one it has. */
  put(bytes: Uint8Array, start: number, end: number, value: T): void {
    if (2 * (this.#count + 1) > this.#keys.length) this.#grow()
    const at = this.#slot(bytes, start, end)
    if (this.#keys[at] === null) this.#count++
    this.#keys[at] = bytes.slice(start, end)
    this.#values[at] = value
  }

  /** All values. */
  values(): T[] {
    return this.#values.filter((_, i) => this.#keys[i] !== null) as T[]
  }

  #slot(bytes: Uint8Array, start: number, end: number): number {
    const mask = this.#keys.length - 1
    let hash = 0
    for (let at = start; at < end; at++) hash = (Math.imul(hash, 31) + bytes[at]!) | 0
    let at = (hash ^ (hash >>> 15)) & mask
    while (this.#keys[at] !== null && !isSame(this.#keys[at]!, bytes, start, end)) at = (at + 1) & mask
    return at
  }

  #grow(): void {
    const [keys, values] = [this.#keys, this.#values]
    this.#keys = new Array(2 * keys.length).fill(null)
    this.#values = new Array(2 * keys.length).fill(undefined)
    this.#last = 0
    for (const [i, key] of keys.entries()) {
      if (key === null) continue
      const at = this.#slot(key, 0, key.length)
      this.#keys[at] = key
      this.#values[at] = values[i]
    }
  }
}

function isSame(key: Uint8Array | null, bytes: Uint8Array, start: number, end: number): boolean {
  if (key === null || key.length !== end - start) return false
  for (let i = 0; i < key.length; i++) if (key[i] !== bytes[start + i]) return false
  return true
}
