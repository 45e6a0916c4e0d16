import { Readable } from 'node:stream'
import zlib from 'node:zlib'

/**
 * Decompresses all frames of a zstd file, one after the other: Node's own decompressor ends with the first frame, without a word about
 * what follows, nor about a frame that is cut. Layout: RFC 8878, section 3.1.
 * @throws Error where the data is none of zstd, or ends inside of a frame
 */
export async function* unzstd(raw: AsyncIterable<Uint8Array>, options: zlib.ZstdOptions): AsyncGenerator<Uint8Array> {
  const frames = new ZstdFrames(raw)
  try {
    while (await frames.hasMore()) {
      const unpack = zlib.createZstdDecompress(options)
      const packed = Readable.from(frames.frame(), { objectMode: false })
      packed.on('error', (error) => unpack.destroy(error))
      packed.pipe(unpack)
      try {
        yield* unpack
      } finally {
        packed.destroy()
        unpack.destroy()
      }
      // Told only now, as an error before would take what was decompressed with it.
      if (frames.isCut) throw new Error('the file ends inside of a frame')
    }
  } finally {
    await frames.close()
  }
}

/** Cuts a stream where frames end. */
class ZstdFrames {
  readonly #pieces: AsyncIterator<Uint8Array>
  readonly #end = new FrameEnd()
  /** The stream ended inside of a frame. */
  isCut = false
  #piece: Uint8Array = new Uint8Array(0)
  /** In the piece. */
  #at = 0

  constructor(raw: AsyncIterable<Uint8Array>) {
    this.#pieces = raw[Symbol.asyncIterator]()
  }

  async hasMore(): Promise<boolean> {
    while (this.#at === this.#piece.length) {
      const { done, value } = await this.#pieces.next()
      if (done === true) return false
      this.#piece = value
      this.#at = 0
    }
    return true
  }

  /** The bytes of the next frame. */
  async *frame(): AsyncGenerator<Uint8Array> {
    this.#end.begin()
    while (!this.#end.isFound) {
      if (!(await this.hasMore())) {
        this.isCut = true
        return
      }
      const start = this.#at
      this.#at = this.#end.find(this.#piece, start)
      yield this.#piece.subarray(start, this.#at)
    }
  }

  async close(): Promise<void> {
    await this.#pieces.return?.()
  }
}

type FramePart = 'magic' | 'skippable' | 'descriptor' | 'block' | 'bytes' | 'end'

/** Finds the end of a frame from its header and those of its blocks. */
class FrameEnd {
  #part: FramePart = 'magic'
  /** What follows the bytes that are passed over. */
  #next: FramePart = 'magic'
  #left = 0
  /** A number of which `#got` bytes were seen. */
  #word = 0
  #got = 0
  #checksumBytes = 0

  get isFound(): boolean {
    return this.#part === 'end'
  }

  begin(): void {
    this.#part = 'magic'
  }

  /** Where in the piece the frame ends, or the piece. */
  find(piece: Uint8Array, start: number): number {
    let at = start
    while (at < piece.length && this.#part !== 'end') {
      if (this.#part === 'bytes') {
        const step = Math.min(this.#left, piece.length - at)
        at += step
        this.#left -= step
        if (this.#left === 0) this.#part = this.#next
        continue
      }
      this.#word += piece[at++]! * 2 ** (8 * this.#got++)
      if (this.#got < BYTES[this.#part]) continue
      this.#step(this.#part, this.#word)
      this.#word = 0
      this.#got = 0
    }
    return at
  }

  #step(part: Exclude<FramePart, 'bytes' | 'end'>, word: number): void {
    if (part === 'magic') {
      if (word !== MAGIC && (word < SKIPPABLE_MAGIC || word > SKIPPABLE_MAGIC + 15))
        throw new Error('expected a further frame, found other bytes')
      this.#part = word === MAGIC ? 'descriptor' : 'skippable'
    } else if (part === 'skippable') {
      this.#pass(word, 'end')
    } else if (part === 'descriptor') {
      const isSingle = (word & 32) !== 0
      const sizeBytes = word >>> 6 === 0 ? (isSingle ? 1 : 0) : 1 << (word >>> 6)
      this.#checksumBytes = word & 4
      this.#pass((isSingle ? 0 : 1) + DICTIONARY_BYTES[word & 3]! + sizeBytes, 'block')
    } else {
      // A block that repeats one byte has that byte alone.
      const bytes = ((word >>> 1) & 3) === 1 ? 1 : word >>> 3
      if ((word & 1) === 0) this.#pass(bytes, 'block')
      else this.#pass(bytes + this.#checksumBytes, 'end')
    }
  }

  #pass(bytes: number, next: FramePart): void {
    this.#left = bytes
    this.#part = bytes === 0 ? next : 'bytes'
    this.#next = next
  }
}

const MAGIC = 0xfd2fb528
const SKIPPABLE_MAGIC = 0x184d2a50
const BYTES = { magic: 4, skippable: 4, descriptor: 1, block: 3 } as const
const DICTIONARY_BYTES = [0, 1, 2, 4]
