import { giveBack } from '../../large-piece.ts'
import { MessageBatch } from '../../message/batch.ts'
import { crc32 } from '../../message/crc32.ts'
import type { BatchOrigin } from '../../message/message.ts'
import {
  decodeRecordHeader,
  PAD_TYPE,
  RECORD_ALIGNMENT,
  RECORD_HEADER_BYTES,
  RECORD_VERSION,
  type RecordHeader,
  recordBytes,
} from '../../message/record.ts'
import { type ScanKernel, ScanStatus } from '../kernel/scanner.ts'
import type { DamagePolicy } from './damage-policy.ts'
import type { SegmentFile } from './segment-file.ts'

/**
 * What a step of the scan came to: `rows` – the batch was filled and the scan moved on (the batch may have no rows
 * when all were filtered); `uncommitted` – the record at `offset` is not committed; `end` – no further record fits.
 */
export type ScanOutcome = 'rows' | 'uncommitted' | 'end'

/** What stays the same for all batches of one log. */
export interface ScanIdentity {
  readonly path: string
  readonly symbol: string | null
  readonly resolveSymbol: BatchOrigin['resolveSymbol']
}

const CHUNK_BYTES = 256 * 1024
const ZEROS = Buffer.alloc(CHUNK_BYTES)

/** Reads one segment after another into the kernel and turns what it finds into batches: the core of all log readers. */
export class SegmentScan {
  readonly kernel: ScanKernel
  readonly batch: MessageBatch
  readonly policy: DamagePolicy
  /** Segment offset of the next record to examine. */
  offset = 0
  readonly #identity: ScanIdentity
  #file: SegmentFile | null = null
  #segmentBytes = 0
  #startOffset = 0
  #records = 0
  #padsBefore = 0
  #isBehindDamage = false
  /** Greatest time before steps back: the kernel knows the times behind the last of them. */
  #behindNs = 0n
  readonly #commitWord = new Uint8Array(8)
  readonly #commitView = new DataView(this.#commitWord.buffer)

  constructor(kernel: ScanKernel, identity: ScanIdentity, policy: DamagePolicy, checked: boolean) {
    this.kernel = kernel
    this.policy = policy
    this.#identity = identity
    this.batch = new MessageBatch(checked)
    this.#bind(0, -1)
  }

  /** The segment being read, or null. */
  get file(): SegmentFile | null {
    return this.#file
  }

  /** Proper length of the segment being read. */
  get segmentBytes(): number {
    return this.#segmentBytes
  }

  /** Where reading in this segment began, or went on after a jump. */
  get startOffset(): number {
    return this.#startOffset
  }

  /** Records examined since then; PAD and damaged ones are not counted. */
  get records(): number {
    return this.#records
  }

  /** PAD records passed since then. */
  get padRecords(): number {
    return this.kernel.padCount - this.#padsBefore
  }

  /** Whether the last thing met was damage: then what is missing behind it has been reported. */
  get isBehindDamage(): boolean {
    return this.#isBehindDamage
  }

  /** Greatest record time since the order was forgotten, nanoseconds; 0 before the first record. */
  get maxTimeNs(): bigint {
    const { maxTimeNs } = this.kernel
    if (maxTimeNs < this.#behindNs) return this.#behindNs
    return maxTimeNs
  }

  /** Neither sequence nor time of the next record says anything beside those before it. */
  forgetOrder(): void {
    this.kernel.expectedSeq = null
    this.kernel.maxTimeNs = 0n
    this.#behindNs = 0n
  }

  /** Starts on a segment at `offset`. `segmentBytes` is its proper length; the file may be shorter when it is damaged. */
  start(file: SegmentFile, segmentBytes: number, offset: number): void {
    this.#file = file
    this.#segmentBytes = segmentBytes
    this.jump(offset)
  }

  /** Goes on at another record of the segment. */
  jump(offset: number): void {
    this.offset = offset
    this.#startOffset = offset
    this.#records = 0
    this.#padsBefore = this.kernel.padCount
    this.#isBehindDamage = false
  }

  /** Leaves the segment and closes its file. */
  async leave(): Promise<void> {
    const file = this.#file
    this.#file = null
    await file?.close()
  }

  /**
   * Fills the batch with the next records below `limit` (a live reader's committed end).
   * @throws ReplayError corrupt under `abort`; `offset` then stays at the damage and the next step throws again
   */
  async step(limit = Number.MAX_SAFE_INTEGER): Promise<ScanOutcome> {
    const file = this.#file!
    const end = Math.min(limit, this.#segmentBytes, file.bytes)
    const length = Math.min(this.kernel.dataBytes, end - this.offset)
    if (length < RECORD_HEADER_BYTES) return 'end'
    const read = file.read(this.kernel.bytes, this.kernel.dataStart, length, this.offset)
    const got = typeof read === 'number' ? read : await read
    this.kernel.begin(got, this.#segmentBytes - this.offset)
    return this.#scan(got, end)
  }

  /** Offset of the first byte at or after `from` that is not zero, or -1. */
  async firstNonZero(from: number): Promise<number> {
    const file = this.#file!
    const end = file.writtenEnd?.(from) ?? file.bytes
    const chunk = Buffer.allocUnsafe(Math.max(0, Math.min(CHUNK_BYTES, end - from)))
    let found = -1
    for (let at = from, got = 1; found < 0 && got > 0 && at < end; at += got) {
      got = await file.read(chunk, 0, chunk.length, at)
      if (chunk.compare(ZEROS, 0, got, 0, got) !== 0) found = at + chunk.findIndex((byte) => byte !== 0)
    }
    giveBack(chunk)
    return found
  }

  /** Whether the segment's data ends before `from`: nothing lies there, or a write that was never finished. */
  async isFreeFrom(from: number): Promise<boolean> {
    if ((await this.commitLenAt(from)) > 0) return false
    return (await this.firstNonZero(from)) < 0 || (await this.lacksSoundRecord(from))
  }

  /** Whether no sound record lies behind the header at `offset`. */
  async lacksSoundRecord(offset: number): Promise<boolean> {
    return (await this.#nextSoundRecord(offset + RECORD_HEADER_BYTES)) >= this.#segmentBytes
  }

  /** commitLen at an offset as it is now (a writer may be at work); 0 when there is no record (yet), or no room for one. */
  async commitLenAt(offset: number): Promise<number> {
    if (offset + RECORD_HEADER_BYTES > this.#segmentBytes) return 0
    // The whole aligned word that writers set at once; fewer bytes the kernel might copy one by one.
    const got = await this.#file!.read(this.#commitWord, 0, 8, offset)
    return got < 8 ? 0 : this.#commitView.getUint32(0, true)
  }

  /** The header of the record at `offset`; null when there is none that is plausible. */
  recordAt(offset: number): Promise<RecordHeader | null> {
    return this.#plausibleHeader(offset)
  }

  /** Goes on behind records that were given before, which an empty batch counts as left out. */
  leaveOut(records: number, next: number): void {
    this.jump(next)
    this.batch.reset(0, records, records)
  }

  /** Whether the bytes at `offset` could be the header of a committed record, or of a PAD up to the segment's end. */
  async looksLikeRecord(offset: number): Promise<boolean> {
    return (await this.#plausibleHeader(offset)) !== null
  }

  /**
   * Reports damage at `offset`: throws it under `abort`; under `skip` moves to the next sound record (or the segment's end)
   * and leaves an empty batch that counts one skipped record.
   * @param next what is known of where that is: the damaged record's header, or an offset
   */
  async damage(code: string, message: string, next: RecordHeader | number | null = null): Promise<void> {
    const { path, id: segment } = this.#file!
    this.policy.fail(code, message, { path, segment, offset: this.offset, ...this.#expectedSeq() })
    this.offset = typeof next === 'number' ? next : await this.#resumeOffset(next)
    this.kernel.expectedSeq = null
    this.#isBehindDamage = true
    this.batch.reset(0, 1, 1)
  }

  async #scan(got: number, end: number): Promise<ScanOutcome> {
    const kernel = this.kernel
    for (;;) {
      const status = kernel.scan()
      if (status === ScanStatus.seqBreak || status === ScanStatus.stepBack) {
        this.#warn(status)
        continue
      }
      if (kernel.scanned > 0 || kernel.position > kernel.dataStart) {
        // Whatever stopped the scan is met again at the start of the next step; first hand out what came before it.
        this.#bind(kernel.count, this.offset - kernel.dataStart)
        this.batch.reset(kernel.count, kernel.scanned, 0, kernel.position - kernel.dataStart)
        this.#records += kernel.scanned
        if (kernel.scanned > 0) this.#isBehindDamage = false
        this.offset += kernel.position - kernel.dataStart
        return 'rows'
      }
      if (status === ScanStatus.uncommitted) return 'uncommitted'
      if (status !== ScanStatus.drained) {
        await this.#badRecord(status)
        return 'rows'
      }
      const needed = kernel.neededBytes
      const wasCut = got < Math.min(kernel.dataBytes, end - this.offset) // since it was opened
      if (this.offset + needed > end || wasCut) {
        if (end < Math.min(this.#segmentBytes, this.#file!.bytes)) return 'end' // a live reader's limit, not the file's
        const header = got < RECORD_HEADER_BYTES ? null : decodeRecordHeader(kernel.view, kernel.dataStart)
        const message = `record of ${needed} bytes: the file ends after ${got}; it was cut short`
        await this.damage('record-truncated', message, wasCut ? this.#segmentBytes : header)
        return 'rows'
      }
      kernel.grow(needed)
      this.#bind(0, 0)
      return this.step(end)
    }
  }

  async #badRecord(status: number): Promise<void> {
    const header = decodeRecordHeader(this.kernel.view, this.kernel.dataStart)
    if (status === ScanStatus.badLength && this.#isPadToEnd(header)) {
      this.offset = this.#segmentBytes
      this.batch.reset(0, 0)
    } else if (status === ScanStatus.badVersion) {
      await this.damage('record-version', `record version: expected ${RECORD_VERSION}, found ${header.version}`, header)
    } else if (status === ScanStatus.badLength) {
      const end = this.#segmentBytes
      await this.damage(
        'record-length',
        `record of ${header.payloadLength} payload bytes runs past the end of the segment at ${end}`,
        header,
      )
    } else {
      const found = this.kernel.crc32(this.kernel.dataStart + RECORD_HEADER_BYTES, header.payloadLength)
      await this.damage('record-crc', `payload CRC32: header says ${hex(header.crc32)}, the payload has ${hex(found)}`, header)
    }
  }

  /** chronicle-rs pads up to the segment's last byte, also where that is not a multiple of 64: rounded up, it runs past the end. */
  #isPadToEnd(header: RecordHeader): boolean {
    return header.typeId === PAD_TYPE && this.offset + RECORD_HEADER_BYTES + header.payloadLength === this.#segmentBytes
  }

  /**
   * Where to go on behind a damaged record, of which the header is all that is known. Its length itself may be what is
   * damaged, so it is trusted only when the very next record lies there; else the next sound one is looked for.
   */
  async #resumeOffset(header: RecordHeader | null): Promise<number> {
    const next = header === null ? this.#segmentBytes : this.offset + recordBytes(header.payloadLength)
    const nextSeq = BigInt.asUintN(64, (this.kernel.expectedSeq ?? header?.seq ?? 0n) + 1n)
    const found = await this.#plausibleHeader(next)
    if (found !== null && (found.seq === nextSeq || (found.seq === 0n && (await this.#isSound(next))))) return next
    const sound = await this.#nextSoundRecord(this.offset + RECORD_HEADER_BYTES)
    // Free space behind the damaged record, and nothing sound before it: the data ends there.
    if (sound > next && (await this.commitLenAt(next)) === 0) return next
    return sound
  }

  #warn(status: number): void {
    const file = this.#file!
    const header = decodeRecordHeader(this.kernel.view, this.kernel.position)
    const place = { path: file.path, segment: file.id, offset: this.offset + this.kernel.position - this.kernel.dataStart, seq: header.seq }
    if (status === ScanStatus.seqBreak) {
      const message = `record sequence ${header.seq} does not follow the one before; records may be missing or repeated`
      this.policy.warn('record-seq-break', message, place)
    } else {
      const { maxTimeNs, stepBackNs } = this.kernel
      if (maxTimeNs + stepBackNs > this.#behindNs) this.#behindNs = maxTimeNs + stepBackNs
      const milliseconds = Number(stepBackNs) / 1e6
      const message = `record time steps back by ${milliseconds} ms, more than maxStepBack; seeks by time may miss records around here`
      this.policy.warn('time-step-back', message, place)
    }
  }

  /** The offset of the first sound record at or after `from`, else the end of the segment. */
  async #nextSoundRecord(from: number): Promise<number> {
    const file = this.#file!
    const chunk = new Uint8Array(CHUNK_BYTES)
    for (let at = from; at + RECORD_HEADER_BYTES <= file.bytes; ) {
      const got = await file.read(chunk, 0, CHUNK_BYTES, at)
      for (let i = 0; i + RECORD_HEADER_BYTES <= got; i += 64) {
        // Version 1 and a committed length, before the dear check.
        if (
          chunk[i + 4] === RECORD_VERSION &&
          (chunk[i]! | chunk[i + 1]! | chunk[i + 2]! | chunk[i + 3]!) !== 0 &&
          (await this.#isSound(at + i))
        )
          return at + i
      }
      if (got < CHUNK_BYTES) break
      at += got
    }
    return this.#segmentBytes
  }

  /** Whether a committed record with a plausible header and a matching payload lies at `offset`. */
  async #isSound(offset: number): Promise<boolean> {
    const header = await this.#plausibleHeader(offset)
    if (header === null || header.typeId === PAD_TYPE) return header !== null
    const expected = this.kernel.expectedSeq
    const reach = BigInt(Math.ceil((offset - this.offset) / RECORD_ALIGNMENT))
    if (expected !== null && header.seq !== 0n && (header.seq < expected || header.seq > expected + reach)) return false
    const payload = new Uint8Array(header.payloadLength)
    const got = await this.#file!.read(payload, 0, payload.length, offset + RECORD_HEADER_BYTES)
    return got === payload.length && crc32(payload) === header.crc32
  }

  /** The header at `offset` when it could be that of a committed record, or of a PAD up to the segment's end; else null. */
  async #plausibleHeader(offset: number): Promise<RecordHeader | null> {
    const head = new Uint8Array(RECORD_HEADER_BYTES)
    const got = await this.#file!.read(head, 0, RECORD_HEADER_BYTES, offset)
    const header = decodeRecordHeader(new DataView(head.buffer), 0)
    const mustBeZero = head[5]! | head[6]! | head[7]! | head[26]! | head[27]! | head.subarray(32).reduce((all, byte) => all | byte, 0)
    if (got < RECORD_HEADER_BYTES || header.version !== RECORD_VERSION || header.payloadLength < 0 || mustBeZero !== 0) return null
    const end = offset + recordBytes(header.payloadLength)
    const isInside = header.typeId === PAD_TYPE ? end + RECORD_HEADER_BYTES > this.#segmentBytes : end <= this.#segmentBytes
    return isInside ? header : null
  }

  #expectedSeq(): { seq?: bigint } {
    const expected = this.kernel.expectedSeq
    return expected === null ? {} : { seq: expected }
  }

  /** Points the batch at the kernel's columns (they move when its memory grows). */
  #bind(count: number, bufferStart: number): void {
    const { kernel, batch } = this
    batch.offsets = kernel.offsets
    batch.lengths = kernel.lengths
    batch.types = kernel.types
    batch.seqs = kernel.seqs
    batch.seqWords = kernel.seqWords
    batch.times = kernel.times
    batch.timeWords = kernel.timeWords
    const origin: BatchOrigin = { ...this.#identity, segment: this.#file?.id ?? -1, bufferStart }
    batch.buffers = [{ bytes: kernel.bytes, view: kernel.view, origin }]
    batch.count = count
  }
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0')
}
