import type { MessageBatch } from '../../message/batch.ts'
import { CRC32_OFFSET } from '../../message/record.ts'
import type { ReadIssue } from '../../message/source.ts'
import { ReplayReader, type ReplayReaderOptions, type SegmentReading } from '../reading/replay-reader.ts'
import type { LogFolder } from '../stores/log-folder.ts'

/** Counts, ranges and sums over all messages of a log; times are nanoseconds since the epoch. Null in an empty log. */
export interface LogSummary {
  readonly messages: number
  readonly firstSeq: bigint | null
  readonly lastSeq: bigint | null
  readonly firstTimestampNs: bigint | null
  readonly lastTimestampNs: bigint | null
  readonly minTimestampNs: bigint | null
  readonly maxTimestampNs: bigint | null
  /** Messages by type, e.g. 4096 → 12. */
  readonly byType: ReadonlyMap<number, number>
  readonly payloadBytes: number
  /** Xor of the payload CRC32s. */
  readonly payloadCrc32Xor: number
  /** Sum of the payload CRC32s modulo 2⁶⁴. */
  readonly payloadCrc32Sum: bigint
  /** Sum of the sequences modulo 2⁶⁴. */
  readonly seqSum: bigint
  /** Xor of the record times. */
  readonly timestampXor: bigint
  readonly segments: readonly SegmentReading[]
  readonly issues: readonly ReadIssue[]
}

/**
 * Reads a whole log, every CRC checked.
 * @throws ReplayError at damage, unless `onCorrupt` is `skip`: then it is among `issues`
 */
export async function summarizeLog(log: string | LogFolder, options: ReplayReaderOptions = {}): Promise<LogSummary> {
  const issues: ReadIssue[] = []
  const reader = await ReplayReader.open(log, { ...options, onIssue: (issue) => issues.push(issue) })
  const sums = new LogSums()
  try {
    for (let batch = await reader.nextBatch(); batch !== null; batch = await reader.nextBatch()) sums.add(batch)
  } finally {
    await reader.close()
  }
  return { ...sums.result(), segments: reader.segmentsRead, issues }
}

const TWO32 = 0x100000000

/** The running sums of a summary. 64-bit ones are kept as words or doubles: no BigInt per message. */
export class LogSums {
  #messages = 0
  #payloadBytes = 0
  #crcXor = 0
  #crcSum = 0n
  #seqSum = 0n
  #timeXorLow = 0
  #timeXorHigh = 0
  #first: { seq: bigint; time: bigint } | null = null
  #last: { seq: bigint; time: bigint } | null = null
  #min: bigint | null = null
  #max: bigint | null = null
  readonly #counts = new Float64Array(65536)

  add(batch: MessageBatch): void {
    if (batch.length === 0) return
    const { types, lengths, seqWords, timeWords, offsets } = batch
    let [crcSum, seqLow, seqHigh] = [0, 0, 0] // exact: at most 8192 numbers below 2³² each
    let min = batch.rowAt(0)
    let max = min
    for (let k = 0; k < batch.length; k++) {
      const row = batch.rowAt(k)
      const crc = batch.viewAt(row).getUint32(offsets[row]! + CRC32_OFFSET, true)
      this.#counts[types[row]!]!++
      this.#payloadBytes += lengths[row]!
      this.#crcXor ^= crc
      crcSum += crc
      seqLow += seqWords[2 * row]!
      seqHigh += seqWords[2 * row + 1]!
      this.#timeXorLow ^= timeWords[2 * row]!
      this.#timeXorHigh ^= timeWords[2 * row + 1]!
      if (isEarlier(timeWords, row, min)) min = row
      if (isEarlier(timeWords, max, row)) max = row
    }
    this.#messages += batch.length
    this.#crcSum += BigInt(crcSum)
    this.#seqSum = BigInt.asUintN(64, this.#seqSum + BigInt(seqLow) + BigInt(seqHigh) * BigInt(TWO32))
    const [earliest, latest] = [batch.at(min).timestampNs, batch.at(max).timestampNs]
    if (this.#min === null || earliest < this.#min) this.#min = earliest
    if (this.#max === null || latest > this.#max) this.#max = latest
    const first = batch.at(batch.rowAt(0))
    this.#first ??= { seq: first.seq, time: first.timestampNs }
    const last = batch.at(batch.rowAt(batch.length - 1))
    this.#last = { seq: last.seq, time: last.timestampNs }
  }

  result(): Omit<LogSummary, 'segments' | 'issues'> {
    const byType = new Map<number, number>()
    for (const [type, count] of this.#counts.entries()) if (count > 0) byType.set(type, count)
    return {
      messages: this.#messages,
      firstSeq: this.#first?.seq ?? null,
      lastSeq: this.#last?.seq ?? null,
      firstTimestampNs: this.#first?.time ?? null,
      lastTimestampNs: this.#last?.time ?? null,
      minTimestampNs: this.#min,
      maxTimestampNs: this.#max,
      byType,
      payloadBytes: this.#payloadBytes,
      payloadCrc32Xor: this.#crcXor >>> 0,
      payloadCrc32Sum: BigInt.asUintN(64, this.#crcSum),
      seqSum: this.#seqSum,
      timestampXor: (BigInt(this.#timeXorHigh >>> 0) << 32n) | BigInt(this.#timeXorLow >>> 0),
    }
  }
}

function isEarlier(timeWords: Uint32Array, a: number, b: number): boolean {
  const high = timeWords[2 * a + 1]!
  const other = timeWords[2 * b + 1]!
  return high < other || (high === other && timeWords[2 * a]! < timeWords[2 * b]!)
}
