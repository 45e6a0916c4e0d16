import zlib from 'node:zlib'

/**
 * Millions of short texts outside the JavaScript heap, compressed: written once, read by their place, best in the order in
 * which they were written. A text is its length (u32) and its UTF-8 bytes; it never spans two blocks.
 */
export class TextHeap {
  /** Full blocks, compressed. */
  readonly #blocks: Uint8Array[] = []
  /** The block being filled. */
  #open = Buffer.alloc(0)
  #used = 0
  /** The block that was read last, as it was before compression. */
  #read = -1
  #readBlock: Buffer = this.#open

  /** Returns the place of the text. */
  write(text: string): number {
    const most = 4 + 3 * text.length
    if (this.#used + most > this.#open.length) this.#startBlock(most)
    const at = this.#used
    const length = this.#open.write(text, at + 4)
    this.#open.writeUInt32LE(length, at)
    this.#used += 4 + length
    return this.#blocks.length * PLACES + at
  }

  read(place: number): string {
    const block = this.#blockAt(Math.floor(place / PLACES))
    const at = place % PLACES
    return block.toString('utf8', at + 4, at + 4 + block.readUInt32LE(at))
  }

  /** Compresses the block being filled and gives its memory back: nothing more is to be written for now. */
  seal(): void {
    if (this.#used > 0) this.#blocks.push(zlib.zstdCompressSync(this.#open.subarray(0, this.#used), FAST))
    this.#used = 0
    this.#open = Buffer.alloc(0)
  }

  /** Takes over all that is in another one; returns what is to be added to its places. */
  absorb(other: TextHeap): number {
    this.seal()
    other.seal()
    const added = this.#blocks.length * PLACES
    for (const block of other.#blocks) this.#blocks.push(block)
    return added
  }

  #startBlock(bytes: number): void {
    if (this.#used > 0) this.#blocks.push(zlib.zstdCompressSync(this.#open.subarray(0, this.#used), FAST))
    if (this.#open.length < Math.max(BLOCK_BYTES, bytes)) this.#open = Buffer.allocUnsafeSlow(Math.max(BLOCK_BYTES, bytes))
    this.#used = 0
  }

  #blockAt(index: number): Buffer {
    const compressed = this.#blocks[index]
    if (compressed === undefined) return this.#open
    if (this.#read !== index) {
      this.#readBlock = zlib.zstdDecompressSync(compressed)
      this.#read = index
    }
    return this.#readBlock
  }
}

const BLOCK_BYTES = 2 ** 20
/** Places of a block, so that a place names block and byte in one number. */
const PLACES = 2 ** 31
const FAST = { params: { [zlib.constants.ZSTD_c_compressionLevel]: 1 } }
