import { requireU64 } from '../../field-range.ts'
import { crc32 } from '../../message/crc32.ts'
import { checkTypeId, type SegmentWriter } from './segment-writer.ts'

/** What writers of logs have in common: each record gets the next sequence, and goes into the open segment or the one behind it. */
export abstract class RecordAppender {
  readonly path: string
  readonly segmentBytes: number
  #seqLow = 0
  #seqHigh = 0
  readonly #timeWords = new Uint32Array(2)
  readonly #time = new BigUint64Array(this.#timeWords.buffer)

  constructor(directory: string, segmentBytes: number) {
    this.path = directory
    this.segmentBytes = segmentBytes
  }

  /** Sequence of the next record; starts at 0 for each writer. */
  get nextSeq(): bigint {
    return (BigInt(this.#seqHigh) << 32n) | BigInt(this.#seqLow)
  }

  /**
   * Appends a message whose time comes as two 32-bit words and whose payload, with known CRC32, lies in a larger buffer:
   * no BigInt, no object. The caller vouches for the CRC.
   * @throws ReplayError input `payload-too-large`, `type-id`, `disk-full`; transient `write-failed`; bug `writer-closed`
   */
  appendRecord(
    typeId: number,
    timestampLow: number,
    timestampHigh: number,
    source: Uint8Array,
    payloadStart: number,
    payloadLength: number,
    payloadCrc32: number,
  ): void {
    checkTypeId(typeId)
    this.segmentFor(payloadLength).append(
      this.#seqLow,
      this.#seqHigh,
      timestampLow,
      timestampHigh,
      typeId,
      source,
      payloadStart,
      payloadLength,
      payloadCrc32,
    )
    this.#seqLow = (this.#seqLow + 1) >>> 0
    if (this.#seqLow === 0) this.#seqHigh = (this.#seqHigh + 1) >>> 0
  }

  /** Records were appended that have their sequences already. */
  protected skipSeqs(count: number): void {
    const low = this.#seqLow + count
    this.#seqLow = low >>> 0
    this.#seqHigh = (this.#seqHigh + Math.floor(low / 2 ** 32)) >>> 0
  }

  /** As `appendRecord`. @throws ReplayError also input `number-range` */
  protected appendAt(typeId: number, timestampNs: bigint, payload: Uint8Array): void {
    requireU64('record time', timestampNs)
    this.#time[0] = timestampNs
    this.appendRecord(typeId, this.#timeWords[0]!, this.#timeWords[1]!, payload, 0, payload.length, crc32(payload))
  }

  /** The segment that has room for a payload; it may have to be begun. @throws ReplayError input `payload-too-large`, bug `writer-closed` */
  protected abstract segmentFor(payloadLength: number): SegmentWriter
}
