/**
 * 32-bit words over the buffers that messages lie in, so that hot loops read u64 fields as two words.
 * Buffers of batches are 64-byte aligned and viewed as they are; a payload that is not 4-byte aligned
 * (an owned copy inside another buffer) is copied first.
 */
export class PayloadWords {
  /** Words of the buffer of the last `locate`. */
  words: Uint32Array = new Uint32Array(0)
  #bytes: Uint8Array | null = null
  #buffer: ArrayBufferLike | null = null
  #byteOffset = 0
  /** The buffer before: messages of merged logs lie in two in turn. */
  #otherBuffer: ArrayBufferLike | null = null
  #otherWords: Uint32Array = this.words

  /** Makes `words` cover the payload at `bytes[offset … offset+length-1]`; returns the word it starts at. */
  locate(bytes: Uint8Array, offset: number, length: number): number {
    if (bytes !== this.#bytes || bytes.byteLength === 0) this.#view(bytes)
    const start = this.#byteOffset + offset
    return (start & 3) === 0 ? start >>> 2 : this.#copy(bytes, offset, length)
  }

  #view(bytes: Uint8Array): void {
    this.#bytes = bytes
    this.#byteOffset = bytes.byteOffset
    const { buffer } = bytes
    if (buffer === this.#buffer) return
    const words = buffer === this.#otherBuffer ? this.#otherWords : new Uint32Array(buffer, 0, buffer.byteLength >>> 2)
    this.#otherBuffer = this.#buffer
    this.#otherWords = this.words
    this.#buffer = buffer
    this.words = words
  }

  #copy(bytes: Uint8Array, offset: number, length: number): number {
    const copy = new Uint8Array((length + 3) & ~3)
    copy.set(bytes.subarray(offset, offset + length))
    this.words = new Uint32Array(copy.buffer)
    // Not what `bytes` is: the next call looks again.
    this.#bytes = null
    this.#buffer = null
    return 0
  }
}
