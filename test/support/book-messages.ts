import { MessageBatch } from '../../core/message/batch.ts'
import type { MessageCursor } from '../../core/message/message.ts'
import { EVENT_HEARTBEAT, EVENT_RESET, encodeBookEvent, MODE_L2 } from '../../core/protocol/book-event.ts'
import { encodeL2Diff, type L2DiffFields } from '../../core/protocol/l2-diff.ts'
import { encodeL2Snapshot, type L2SnapshotFields } from '../../core/protocol/l2-snapshot.ts'
import { encodeL3Event, type L3EventFields } from '../../core/protocol/l3-event.ts'
import type { Level } from '../../core/protocol/level.ts'

/** A message to put into a batch. */
export interface TestMessage {
  readonly payload: Uint8Array
  readonly seq?: bigint
  readonly typeId?: number
}

const HEADER = { venueId: 1, marketId: 7, streamId: 3, ingestTsNs: 0n, exchangeTsNs: 0n, seq: 0n, nativeSeq: 0n, flags: 1 }

export function diff(bids: readonly Level[], asks: readonly Level[], fields: Partial<L2DiffFields> = {}): Uint8Array {
  const bytes = new Uint8Array(96 + 16 * (bids.length + asks.length))
  encodeL2Diff(new DataView(bytes.buffer), 0, {
    ...HEADER,
    updateIdFirst: 0n,
    updateIdLast: 0n,
    updateIdPrev: 0n,
    priceScale: 2,
    sizeScale: 3,
    ...fields,
    bids,
    asks,
  })
  return bytes
}

export function snapshot(bids: readonly Level[], asks: readonly Level[], fields: Partial<L2SnapshotFields> = {}): Uint8Array {
  const bytes = new Uint8Array(76 + 16 * (bids.length + asks.length))
  encodeL2Snapshot(new DataView(bytes.buffer), 0, { ...HEADER, priceScale: 2, sizeScale: 3, ...fields, bids, asks })
  return bytes
}

export function reset(fields: Partial<L2DiffFields> = {}): Uint8Array {
  const bytes = new Uint8Array(64)
  encodeBookEvent(new DataView(bytes.buffer), 0, { ...HEADER, ...fields }, EVENT_RESET, MODE_L2)
  return bytes
}

export function heartbeat(): Uint8Array {
  const bytes = new Uint8Array(64)
  encodeBookEvent(new DataView(bytes.buffer), 0, HEADER, EVENT_HEARTBEAT, MODE_L2)
  return bytes
}

export function l3(fields: Partial<L3EventFields> & { readonly eventType: number }): Uint8Array {
  const bytes = new Uint8Array(128)
  const none = {
    side: 0,
    orderType: 0,
    execType: 0,
    priceScale: 2,
    sizeScale: 0,
    l3Flags: 0,
    orderId: 0n,
    bidOrderId: 0n,
    askOrderId: 0n,
    price: 0n,
    quantity: 0n,
    amount: 0n,
  }
  encodeL3Event(new DataView(bytes.buffer), 0, { ...HEADER, ...none, ...fields })
  return bytes
}

/** One batch of messages, laid out as a segment would be. Record sequences count from 0 unless given. */
export function batchOf(messages: readonly (Uint8Array | TestMessage)[], path = '/log'): MessageBatch {
  const batch = new MessageBatch()
  batch.allocateColumns(messages.length)
  const list: TestMessage[] = messages.map((each) => (each instanceof Uint8Array ? { payload: each } : each))
  const size = list.reduce((sum, { payload }) => sum + Math.ceil((64 + payload.length) / 64) * 64, 0)
  const bytes = new Uint8Array(size)
  let at = 0
  for (const [row, { payload, seq, typeId }] of list.entries()) {
    bytes.set(payload, at + 64)
    batch.offsets[row] = at
    batch.lengths[row] = payload.length
    batch.types[row] = typeId ?? 0x1000
    batch.seqs[row] = BigInt.asIntN(64, seq ?? BigInt(row))
    batch.times[row] = BigInt(row)
    at += Math.ceil((64 + payload.length) / 64) * 64
  }
  const origin = { path, symbol: null, resolveSymbol: null, segment: 0, bufferStart: 64 }
  batch.buffers = [{ bytes, view: new DataView(bytes.buffer), origin }]
  batch.reset(list.length, list.length)
  return batch
}

/** A single message. */
export function messageOf(payload: Uint8Array, typeId = 0x1000): MessageCursor {
  return batchOf([{ payload, typeId }]).at(0)
}
