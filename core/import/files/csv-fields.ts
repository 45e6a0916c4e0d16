/** The fields of a line of plain CSV, without quotes, as vendors write it: places of its bytes, used again for each line. */
export class CsvFields {
  /** Field i is `bytes[starts[i] … ends[i])`. */
  readonly starts: Int32Array
  readonly ends: Int32Array
  count = 0

  /** @param limit fields beyond are counted, but have no place */
  constructor(limit = 256) {
    this.starts = new Int32Array(limit)
    this.ends = new Int32Array(limit)
  }

  split(bytes: Uint8Array, start: number, end: number): number {
    const { starts, ends } = this
    const limit = starts.length
    let field = 0
    let from = start
    for (let at = start; at < end; at++) {
      if (bytes[at] !== COMMA) continue
      if (field < limit) {
        starts[field] = from
        ends[field] = at
      }
      field++
      from = at + 1
    }
    if (field < limit) {
      starts[field] = from
      ends[field] = end
    }
    this.count = field + 1
    return this.count
  }

  text(bytes: Uint8Array, field: number): string {
    return UTF8.decode(bytes.subarray(this.starts[field]!, this.ends[field]!))
  }

  isEmpty(field: number): boolean {
    return this.starts[field]! >= this.ends[field]!
  }
}

/** The bytes of a text in a line, found again without a new string per line. */
export class SameText {
  #bytes: Uint8Array = new Uint8Array(0)

  /** Whether these bytes are those of the last text set. */
  is(bytes: Uint8Array, start: number, end: number): boolean {
    const own = this.#bytes
    if (own.length !== end - start || own.length === 0) return false
    for (let i = 0; i < own.length; i++) if (own[i] !== bytes[start + i]) return false
    return true
  }

  set(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes = bytes.slice(start, end)
  }
}

const COMMA = 44
const UTF8 = new TextDecoder()
