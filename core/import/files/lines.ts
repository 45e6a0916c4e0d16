import { ReplayError } from '../../errors.ts'
import { Blocks } from './blocks.ts'
import type { ByteStream } from './byte-stream.ts'

/** A line that is longer is none. */
const MAX_LINE_BYTES = 256 << 20

/**
 * The lines of a text, as bytes: `bytes[start … end)` without the line's end, LF or CR LF. What follows the last one is a line as well.
 * Takes blocks: `while (await lines.block()) while (lines.next()) …`, so that only blocks are waited for.
 */
export class Lines {
  bytes: Uint8Array = new Uint8Array(0)
  start = 0
  end = 0
  /** Of the line, from 1 on. */
  number = 0
  /** The last line had no end: the file may have been cut there. */
  isCut = false
  readonly #blocks: Blocks
  readonly #path: string

  /** @param path in errors */
  constructor(stream: ByteStream, path: string) {
    this.#blocks = new Blocks(stream)
    this.#path = path
  }

  /** Reads on; false: there is nothing more. @throws ReplayError corrupt `line-too-long`, and those of the stream */
  async block(): Promise<boolean> {
    const blocks = this.#blocks
    if (blocks.isLast) return false
    const got = await blocks.more()
    this.bytes = blocks.bytes
    if (blocks.end - blocks.start > MAX_LINE_BYTES) {
      const message = `line ${this.number + 1} has more than ${MAX_LINE_BYTES} bytes: is the file text?`
      throw new ReplayError('line-too-long', message, { category: 'corrupt', path: this.#path })
    }
    return got || blocks.end > blocks.start
  }

  /** Moves to the next line of the block; false: it has no further one. */
  next(): boolean {
    const blocks = this.#blocks
    if (blocks.start >= blocks.end) return false
    const found = blocks.buffer.indexOf(LF, blocks.start)
    // What lies behind the end of a block that was used again is not of it.
    const isWhole = found >= 0 && found < blocks.end
    if (!isWhole && !blocks.isLast) return false
    const end = isWhole ? found : blocks.end
    this.start = blocks.start
    this.end = end > this.start && blocks.bytes[end - 1] === CR ? end - 1 : end
    this.isCut = !isWhole
    blocks.start = isWhole ? end + 1 : end
    this.number++
    return true
  }

  /** The line as text. */
  get text(): string {
    return UTF8.decode(this.bytes.subarray(this.start, this.end))
  }

  async close(): Promise<void> {
    await this.#blocks.close()
  }
}

const LF = 10
const CR = 13
const UTF8 = new TextDecoder()
