import { ReplayError } from '../../../errors.ts'
import { Blocks } from '../../files/blocks.ts'
import type { ByteStream } from '../../files/byte-stream.ts'
import { type DbnVersion, HEADER_BYTES, RECORD_KINDS } from './layout.ts'
import { type DbnMetadata, readMetadata } from './metadata.ts'

/**
 * The records of a DBN file: `view` at `at`, fields as layout.ts has them. Takes blocks: `while (await records.block()) while
 * (records.next()) …`, so that only blocks are waited for. The length of a record is its own; those of one kind have one length in a file.
 */
export class DbnRecords {
  view: DataView = new DataView(new ArrayBuffer(0))
  /** Of the record, in the view. */
  at = 0
  bytes = 0
  rtype = 0
  readonly #path: string
  readonly #blocks: Blocks
  /** Bytes of the records of a kind; 0: none was seen yet. */
  readonly #lengths = new Int32Array(256)
  #version: DbnVersion = 1
  #isFirst = true
  #bytes: Uint8Array = new Uint8Array(0)
  #next = 0
  #end = 0

  /** @param path in errors */
  constructor(stream: ByteStream, path: string) {
    this.#path = path
    this.#blocks = new Blocks(stream)
  }

  /** Reads what is before the records. @throws ReplayError corrupt `databento-metadata` */
  async open(): Promise<DbnMetadata> {
    const metadata = await readMetadata(this.#blocks, this.#path)
    this.openFragment(metadata.version)
    return metadata
  }

  /** Of bytes that have no metadata, but begin with a record. */
  openFragment(version: DbnVersion): void {
    this.#version = version
    this.#useBlock()
  }

  /** Where the record lies in the file, decompressed. */
  get position(): number {
    return this.#blocks.position - this.#blocks.start + this.at
  }

  /** Reads on; false: there is nothing more. @throws ReplayError corrupt `databento-truncated`, and those of the stream */
  async block(): Promise<boolean> {
    const blocks = this.#blocks
    // What was read with the metadata is the first one.
    const isFirst = this.#isFirst
    this.#isFirst = false
    if (isFirst && blocks.end > blocks.start) return true
    blocks.start = this.#next
    if (await blocks.more()) {
      this.#useBlock()
      return true
    }
    this.at = blocks.start
    const left = blocks.end - blocks.start
    if (left > 0) throw this.#error('truncated', `the file ends inside of a record, of which it has ${left} bytes`)
    return false
  }

  /** Moves to the next record of the block; false: it has no further one that is whole. @throws ReplayError corrupt `databento-record` */
  next(): boolean {
    const at = this.#next
    const left = this.#end - at
    if (left < HEADER_BYTES) return false
    const bytes = 4 * this.#bytes[at]!
    const rtype = this.#bytes[at + 1]!
    // Of kinds that were not seen 0 is known, which is no length.
    if (bytes !== this.#lengths[rtype] || bytes === 0) this.#learn(at, rtype, bytes)
    if (bytes > left) return false
    this.at = at
    this.bytes = bytes
    this.rtype = rtype
    this.#next = at + bytes
    return true
  }

  async close(): Promise<void> {
    await this.#blocks.close()
  }

  #useBlock(): void {
    const { bytes, start, end } = this.#blocks
    this.#bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#next = start
    this.#end = end
  }

  /** The first record of a kind says how long they are, as later versions may make them longer. All else is damage: what follows would not be records. */
  #learn(at: number, rtype: number, bytes: number): void {
    this.at = at
    const kind = RECORD_KINDS.get(rtype)
    if (kind === undefined) throw this.#error('record', `there is no record of the kind 0x${rtype.toString(16).padStart(2, '0')}`)
    const known = this.#lengths[rtype]!
    const least = kind.bytes[this.#version - 1]!
    if (known > 0) throw this.#error('record', `expected ${known} bytes of a record ${kind.name}, as of those before, found ${bytes}`)
    if (bytes < least) throw this.#error('record', `expected at least ${least} bytes of a record ${kind.name}, found ${bytes}`)
    this.#lengths[rtype] = bytes
  }

  #error(what: string, message: string): ReplayError {
    const offset = this.position
    return new ReplayError(`databento-${what}`, message, { category: 'corrupt', path: this.#path, offset })
  }
}
