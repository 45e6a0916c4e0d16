/**
 * Builds a FlatBuffer from its end to its begin, as the format is laid out: what is pointed at is written before what points at it.
 * Places are bytes from the end. Source: flatbuffers.dev, internals.
 */
export class FlatBuffer {
  #bytes = new Uint8Array(1024)
  #view = new DataView(this.#bytes.buffer)
  /** Bytes used, at the end. */
  #used = 0
  #leastAlign = 1

  string(text: string): number {
    const utf8 = new TextEncoder().encode(`${text}\0`)
    this.#align(4, utf8.length)
    this.#put(utf8.length, (at) => this.#bytes.set(utf8, at))
    return this.#int32(utf8.length - 1)
  }

  /** Places of what was written before. */
  vector(places: readonly number[]): number {
    this.#align(4, 4 * places.length)
    for (const place of places.toReversed()) this.#offset(place)
    return this.#int32(places.length)
  }

  /** Structs of `width` 64-bit numbers each. */
  structs(values: readonly number[], width: number): number {
    this.#align(4, 8 * values.length)
    this.#align(8, 8 * values.length)
    for (const value of values.toReversed()) this.#put(8, (at) => this.#view.setBigInt64(at, BigInt(value), true))
    return this.#int32(values.length / width)
  }

  /** A table; a field that is undefined has its default. */
  table(fields: readonly (Field | undefined)[]): number {
    const start = this.#used
    const places = fields.map((field) => (field === undefined ? 0 : this.#field(field)))
    this.#align(4, 0)
    const table = this.#int32(0)
    for (const place of places.toReversed()) this.#int16(place === 0 ? 0 : table - place)
    this.#int16(table - start)
    this.#int16(2 * fields.length + 4)
    this.#view.setInt32(this.#bytes.length - table, this.#used - table, true)
    return table
  }

  finish(root: number): Uint8Array {
    this.#align(this.#leastAlign, 4)
    this.#offset(root)
    return this.#bytes.slice(this.#bytes.length - this.#used)
  }

  #field([kind, value]: Field): number {
    const size = SIZES[kind]
    this.#align(size, 0)
    if (kind === 'place') return this.#offset(value)
    return this.#put(size, (at) => {
      if (kind === 'i8') this.#view.setInt8(at, value)
      else if (kind === 'i16') this.#view.setInt16(at, value, true)
      else if (kind === 'i32') this.#view.setInt32(at, value, true)
      else this.#view.setBigInt64(at, BigInt(value), true)
    })
  }

  #offset(place: number): number {
    this.#align(4, 0)
    return this.#int32(this.#used + 4 - place)
  }

  #int32(value: number): number {
    return this.#put(4, (at) => this.#view.setInt32(at, value, true))
  }

  #int16(value: number): number {
    return this.#put(2, (at) => this.#view.setInt16(at, value, true))
  }

  /** Fills up so that what follows `bytes` more lies at a multiple of `size`. */
  #align(size: number, bytes: number): void {
    this.#leastAlign = Math.max(this.#leastAlign, size)
    const rest = (this.#used + bytes) % size
    if (rest > 0) this.#put(size - rest, (at) => this.#bytes.fill(0, at, at + size - rest))
  }

  #put(size: number, write: (at: number) => void): number {
    if (this.#used + size > this.#bytes.length) this.#grow(size)
    this.#used += size
    write(this.#bytes.length - this.#used)
    return this.#used
  }

  #grow(size: number): void {
    const grown = new Uint8Array(2 * (this.#bytes.length + size))
    grown.set(this.#bytes, grown.length - this.#bytes.length)
    this.#bytes = grown
    this.#view = new DataView(grown.buffer)
  }
}

/** Kind and value of a field; `place`: of a string, vector or table. */
export type Field = readonly [kind: keyof typeof SIZES, value: number]

const SIZES = { i8: 1, i16: 2, i32: 4, i64: 8, place: 4 } as const
