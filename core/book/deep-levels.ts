/**
 * The levels of an L2 side that are too far from the touch for its window: two sorted arrays, worst level first.
 * Keys as in l2-side.ts: greater is better.
 */
export class DeepLevels {
  /** Ascending; only the first `count` count. */
  keys = new Float64Array(256)
  /** Sizes by position in `keys`. */
  sizes = new Float64Array(256)
  count = 0

  /** Sets one level; size 0 removes it. */
  set(key: number, size: number): void {
    const at = lowerBound(this.keys, this.count, key)
    const found = at < this.count && this.keys[at] === key
    if (found && size !== 0) this.sizes[at] = size
    else if (found) this.#remove(at)
    else if (size !== 0) this.#insert(at, key, size)
  }

  /** Size at a key; 0 when there is no such level. */
  sizeAt(key: number): number {
    const at = lowerBound(this.keys, this.count, key)
    return at < this.count && this.keys[at] === key ? this.sizes[at]! : 0
  }

  /** Replaces everything by the first `count` of these ascending levels. */
  load(keys: Float64Array, sizes: Float64Array, count: number): void {
    this.#reserve(count)
    this.keys.set(keys.subarray(0, count))
    this.sizes.set(sizes.subarray(0, count))
    this.count = count
  }

  /** Removes the worst `count` levels. */
  dropWorst(count: number): void {
    this.keys.copyWithin(0, count, this.count)
    this.sizes.copyWithin(0, count, this.count)
    this.count -= count
  }

  #insert(at: number, key: number, size: number): void {
    this.#reserve(this.count + 1)
    this.keys.copyWithin(at + 1, at, this.count)
    this.sizes.copyWithin(at + 1, at, this.count)
    this.keys[at] = key
    this.sizes[at] = size
    this.count++
  }

  #remove(at: number): void {
    this.keys.copyWithin(at, at + 1, this.count)
    this.sizes.copyWithin(at, at + 1, this.count)
    this.count--
  }

  #reserve(count: number): void {
    if (count <= this.keys.length) return
    const capacity = Math.max(count, this.keys.length * 2)
    const keys = new Float64Array(capacity)
    const sizes = new Float64Array(capacity)
    keys.set(this.keys.subarray(0, this.count))
    sizes.set(this.sizes.subarray(0, this.count))
    this.keys = keys
    this.sizes = sizes
  }
}

/** First position in the ascending `keys[0 … count-1]` whose key is ≥ `key`. */
export function lowerBound(keys: Float64Array, count: number, key: number): number {
  let from = 0
  let to = count
  while (from < to) {
    const middle = (from + to) >>> 1
    if (keys[middle]! < key) from = middle + 1
    else to = middle
  }
  return from
}
