/** A message that owns its payload and outlives the batch it came from. */
export interface Message {
  /** Record sequence (u64): a counter per writer session, starting at 0. */
  readonly seq: bigint
  /** Record time, nanoseconds since the epoch, UTC (u64). */
  readonly timestampNs: bigint
  /** Message type (u16), e.g. 0x1002 for a trade. */
  readonly typeId: number
  /** Symbol code, or null when neither the path nor a resolver knows it. */
  readonly symbol: string | null
  readonly payload: Uint8Array
}

/** Where the records of one buffer of a batch came from. */
export interface BatchOrigin {
  /** Log directory or URI; empty for messages made by a transform. */
  readonly path: string
  /** Symbol code from the archive path, or null. */
  readonly symbol: string | null
  /** For logs that mix markets: the symbol of a message, or null when it has none. */
  readonly resolveSymbol: ((message: MessageCursor) => string | null) | null
  /** Segment id; -1 for messages made by a transform. */
  readonly segment: number
  /** Segment offset of byte 0 of the buffer (may be negative when the buffer has a prefix). */
  readonly bufferStart: number
}

/** The columns that a cursor goes over: what it needs of a `MessageBatch`. */
export interface MessageColumns {
  readonly offsets: Uint32Array
  readonly lengths: Uint32Array
  readonly types: Uint16Array
  readonly seqs: BigInt64Array
  readonly seqWords: Uint32Array
  readonly times: BigInt64Array
  readonly timeWords: Uint32Array
  readonly emitted: Uint8Array | null
  symbolAt(row: number): string | null
  bufferAt(row: number): Uint8Array
  viewAt(row: number): DataView
  originAt(row: number): BatchOrigin
}

/**
 * A flyweight on one message of a batch: no object, BigInt or copy per message unless asked for.
 * Valid only as long as its batch (see MessageBatch); keep something with `toOwned()`.
 */
export class MessageCursor {
  readonly batch: MessageColumns
  /** Row in the batch's columns. */
  index = 0

  constructor(batch: MessageColumns) {
    this.batch = batch
  }

  /** Record sequence (u64). Creates a BigInt: in hot loops read `batch.seqWords`. */
  get seq(): bigint {
    return BigInt.asUintN(64, this.batch.seqs[this.index]!)
  }

  /** Record time in nanoseconds since the epoch (u64). Creates a BigInt: in hot loops read `batch.timeWords`. */
  get timestampNs(): bigint {
    return BigInt.asUintN(64, this.batch.times[this.index]!)
  }

  get typeId(): number {
    return this.batch.types[this.index]!
  }

  /** Payload bytes. */
  get length(): number {
    return this.batch.lengths[this.index]!
  }

  /** Symbol code from the path or the resolver, or null. */
  get symbol(): string | null {
    return this.batch.symbolAt(this.index)
  }

  /** The buffer that holds the record; the payload starts at `payloadOffset`. */
  get buffer(): Uint8Array {
    return this.batch.bufferAt(this.index)
  }

  /** A DataView over the whole `buffer` (one per buffer, not per message). */
  get view(): DataView {
    return this.batch.viewAt(this.index)
  }

  /** Where the payload starts in `buffer` and `view`. */
  get payloadOffset(): number {
    return this.batch.offsets[this.index]! + 64
  }

  /** The payload as a view, no copy. */
  get payload(): Uint8Array {
    const start = this.payloadOffset
    return this.buffer.subarray(start, start + this.length)
  }

  /** CRC32 of the payload as stored in the record header. */
  get crc32(): number {
    return this.view.getUint32(this.payloadOffset - 36, true)
  }

  /** Segment id the record was read from; -1 for a message made by a transform. */
  get segment(): number {
    return this.batch.originAt(this.index).segment
  }

  /** Byte offset of the record header in the uncompressed segment; -1 for a message made by a transform. */
  get segmentOffset(): number {
    const origin = this.batch.originAt(this.index)
    return origin.segment < 0 ? -1 : origin.bufferStart + this.batch.offsets[this.index]!
  }

  toOwned(): Message {
    return { seq: this.seq, timestampNs: this.timestampNs, typeId: this.typeId, symbol: this.symbol, payload: this.payload.slice() }
  }
}
