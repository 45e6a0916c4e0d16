import { ReplayReader } from '../../log/reading/replay-reader.ts'
import type { LogWriter } from '../../log/writing/log-writer.ts'
import { crc32 } from '../../message/crc32.ts'
import {
  BOOK_EVENT_BYTES,
  BOOK_EVENT_MODE_OFFSET,
  BOOK_EVENT_TYPE_OFFSET,
  EVENT_DIFF,
  EVENT_SNAPSHOT,
  MODE_L3,
} from '../../protocol/book-event.ts'
import { L2_DIFF_LEVELS_OFFSET, L2_DIFF_PRICE_SCALE_OFFSET, L2_DIFF_SIZE_SCALE_OFFSET } from '../../protocol/l2-diff.ts'
import { L2_SNAPSHOT_LEVELS_OFFSET, L2_SNAPSHOT_PRICE_SCALE_OFFSET, L2_SNAPSHOT_SIZE_SCALE_OFFSET } from '../../protocol/l2-snapshot.ts'
import {
  L3_EVENT_PRICE_OFFSET,
  L3_EVENT_PRICE_SCALE_OFFSET,
  L3_EVENT_QUANTITY_OFFSET,
  L3_EVENT_SIZE_SCALE_OFFSET,
} from '../../protocol/l3-event.ts'
import { LEVEL_BYTES } from '../../protocol/level.ts'

/** Copies a log of book events with the given scales; how many messages keep their own, as a number would not be exact. */
export async function rescaleLog(directory: string, priceScale: number, sizeScale: number, writer: LogWriter): Promise<number> {
  let left = 0
  const reader = await ReplayReader.open(directory)
  try {
    for (let batch = await reader.nextBatch(); batch !== null; batch = await reader.nextBatch()) {
      for (let k = 0; k < batch.length; k++) {
        const { view, payloadOffset, length, typeId, timestampNs } = batch.at(batch.rowAt(k))
        const payload = new Uint8Array(view.buffer, view.byteOffset + payloadOffset, length).slice()
        if (!rescalePayload(payload, priceScale, sizeScale)) left++
        const [low, high] = [Number(timestampNs & 0xffff_ffffn), Number(timestampNs >> 32n)]
        writer.appendRecord(typeId, low, high, payload, 0, length, crc32(payload))
      }
    }
  } finally {
    await reader.close()
  }
  return left
}

/** Where a message has its scales and its numbers. */
interface Layout {
  readonly priceScale: number
  readonly sizeScale: number
  readonly prices: readonly number[]
  readonly sizes: readonly number[]
}

/** False: it was left as it is. */
function rescalePayload(payload: Uint8Array, priceScale: number, sizeScale: number): boolean {
  const view = new DataView(payload.buffer)
  const layout = layoutOf(view, payload.length)
  if (layout === null) return true
  const priceFactor = 10n ** BigInt(priceScale - view.getUint8(layout.priceScale))
  const sizeFactor = 10n ** BigInt(sizeScale - view.getUint8(layout.sizeScale))
  const numbers = [
    ...layout.prices.map((at) => [at, view.getBigUint64(at, true) * priceFactor] as const),
    ...layout.sizes.map((at) => [at, view.getBigUint64(at, true) * sizeFactor] as const),
  ]
  if (!numbers.every(([, value]) => value < MAX_EXACT || (value <= MAX_U64 && BigInt(Number(value)) === value))) return false
  for (const [at, value] of numbers) view.setBigUint64(at, value, true)
  view.setUint8(layout.priceScale, priceScale)
  view.setUint8(layout.sizeScale, sizeScale)
  return true
}

/** Null: it has none, as resets. */
function layoutOf(view: DataView, length: number): Layout | null {
  if (length === BOOK_EVENT_BYTES) return null
  if (view.getUint8(BOOK_EVENT_MODE_OFFSET) === MODE_L3) {
    const prices = [L3_EVENT_PRICE_OFFSET]
    return {
      priceScale: L3_EVENT_PRICE_SCALE_OFFSET,
      sizeScale: L3_EVENT_SIZE_SCALE_OFFSET,
      prices,
      sizes: [L3_EVENT_QUANTITY_OFFSET],
    }
  }
  const event = view.getUint8(BOOK_EVENT_TYPE_OFFSET)
  if (event !== EVENT_SNAPSHOT && event !== EVENT_DIFF) return null
  const isSnapshot = event === EVENT_SNAPSHOT
  const levels = isSnapshot ? L2_SNAPSHOT_LEVELS_OFFSET : L2_DIFF_LEVELS_OFFSET
  const prices = Array.from({ length: (length - levels) / LEVEL_BYTES }, (_, i) => levels + i * LEVEL_BYTES)
  return {
    priceScale: isSnapshot ? L2_SNAPSHOT_PRICE_SCALE_OFFSET : L2_DIFF_PRICE_SCALE_OFFSET,
    sizeScale: isSnapshot ? L2_SNAPSHOT_SIZE_SCALE_OFFSET : L2_DIFF_SIZE_SCALE_OFFSET,
    prices,
    sizes: prices.map((at) => at + LEVEL_BYTES / 2),
  }
}

// As core/book/exact.ts, of what is no double yet.
const MAX_EXACT = 2n ** 53n
const MAX_U64 = 2n ** 63n
