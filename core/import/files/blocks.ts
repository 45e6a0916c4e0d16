import type { ByteStream } from './byte-stream.ts'

/**
 * Joins the pieces of a stream where a record lies in two of them: each block begins with what was left of the one before. Decoders
 * take from `bytes` between `start` and `end` what is whole, and move `start`.
 */
export class Blocks {
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0)
  /** The same memory: a Buffer's search for a byte is four times as fast over long lines. No one else gets it, as its `slice` copies nothing. */
  buffer: Buffer<ArrayBuffer> = Buffer.alloc(0)
  start = 0
  end = 0
  /** The stream is over: what is left is all there is. */
  isLast = false
  /** Where `bytes[0]` lies in the stream. */
  #base = 0
  readonly #pieces: AsyncIterator<Uint8Array>

  constructor(stream: ByteStream) {
    this.#pieces = stream[Symbol.asyncIterator]()
  }

  /** Bytes of the stream before `start`. */
  get position(): number {
    return this.#base + this.start
  }

  /** Reads on, until there is more than before. False: there is no more. */
  async more(): Promise<boolean> {
    const { done, value: piece } = await this.#pieces.next()
    if (done === true) {
      this.isLast = true
      return false
    }
    if (piece.length === 0) return this.more()
    const left = this.end - this.start
    this.#base += this.start
    const bytes = left + piece.length
    // Always one memory, so that none is made for each piece.
    if (bytes > this.bytes.length) {
      const more = new Uint8Array(2 * bytes)
      more.set(this.bytes.subarray(this.start, this.end))
      this.bytes = more
      this.buffer = Buffer.from(more.buffer)
    } else this.bytes.copyWithin(0, this.start, this.end)
    this.bytes.set(piece, left)
    this.start = 0
    this.end = left + piece.length
    return true
  }

  /** Until there are so many bytes. False: the stream ends before. */
  async need(bytes: number): Promise<boolean> {
    while (this.end - this.start < bytes) if (!(await this.more())) return false
    return true
  }

  /** Gives the stream up. */
  async close(): Promise<void> {
    await this.#pieces.return?.()
  }
}
