/** A growing byte buffer that encoders write a Parquet page into. `reserve` first, then write below `bytes.length`. */
export class Page {
  bytes: Uint8Array<ArrayBuffer>
  view: DataView
  /** Bytes written. */
  length = 0

  constructor(capacity = 1 << 16) {
    this.bytes = new Uint8Array(capacity)
    this.view = new DataView(this.bytes.buffer)
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    const needed = this.length + count
    if (needed <= this.bytes.length) return
    const grown = new Uint8Array(Math.max(needed, 2 * this.bytes.length))
    grown.set(this.bytes.subarray(0, this.length))
    this.bytes = grown
    this.view = new DataView(grown.buffer)
  }

  /** What was written; a view, valid until the next write. */
  written(): Uint8Array<ArrayBuffer> {
    return this.bytes.subarray(0, this.length)
  }

  /** Appends reserved bytes. */
  putUint8(value: number): void {
    this.bytes[this.length++] = value
  }

  putUint32(value: number): void {
    this.view.setUint32(this.length, value, true)
    this.length += 4
  }

  putBytes(bytes: Uint8Array): void {
    this.bytes.set(bytes, this.length)
    this.length += bytes.length
  }

  /** ULEB128 of a whole number below 2⁵³; at most 8 bytes. */
  putVarint(value: number): void {
    let rest = value
    while (rest >= 128) {
      this.bytes[this.length++] = (rest % 128) + 128
      rest = Math.floor(rest / 128)
    }
    this.bytes[this.length++] = rest
  }

  /** ULEB128 of a u64; at most 10 bytes. */
  putVarint64(value: bigint): void {
    let rest = value
    while (rest >= 128n) {
      this.bytes[this.length++] = Number(rest & 127n) + 128
      rest >>= 7n
    }
    this.bytes[this.length++] = Number(rest)
  }
}
