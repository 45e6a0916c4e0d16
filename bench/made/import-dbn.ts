import { LOT, MadeOrders } from './orders.ts'

const BLOCK_ROWS = 8192
const RECORD_BYTES = 56
const INSTRUMENTS = 8
const TRADE_EVERY = 30
const SYMBOL_BYTES = 71
/** 2024-06-10T14:00:00Z */
const BEGIN_NS = 1_718_028_000_000_000_000n

/** A DBN file of mbo, version 3: eight instruments with their symbols, and as many records as rows. */
export function* madeDbn(rows: number): Generator<Uint8Array> {
  yield metadata()
  const orders = new MadeOrders(INSTRUMENTS)
  let nanos = BEGIN_NS
  for (let row = 0; row < rows; row += BLOCK_ROWS) {
    const block = Buffer.alloc(Math.min(BLOCK_ROWS, rows - row) * RECORD_BYTES)
    for (let at = 0; at < block.length; at += RECORD_BYTES) {
      nanos += BigInt(200 + orders.below(20_000))
      const isTrade = orders.below(TRADE_EVERY) === 0
      if (!isTrade) orders.step()
      putRecord(block, at, orders, nanos, isTrade)
    }
    yield block
  }
}

/** What is executed is told as a trade, which changes no order, and a cancel. */
function putRecord(block: Buffer, at: number, orders: MadeOrders, nanos: bigint, isTrade: boolean): void {
  const { action, order } = orders
  if (action === 'modify' && !isTrade) order.size = LOT * (1 + orders.below(9))
  block[at] = RECORD_BYTES / 4
  block[at + 1] = 0xa0
  block.writeUInt16LE(2, at + 2)
  block.writeUInt32LE(order.instrument + 1, at + 4)
  block.writeBigUInt64LE(nanos - 100_000n, at + 8)
  block.writeBigUInt64LE(BigInt(order.id), at + 16)
  block.writeBigInt64LE(BigInt(order.price) * 10_000_000n, at + 24)
  block.writeUInt32LE(action === 'execute' || isTrade ? LOT : order.size, at + 32)
  block[at + 36] = 128
  block[at + 38] = isTrade ? 84 : { add: 65, cancel: 67, modify: 77, execute: 67 }[action]
  block[at + 39] = order.isSell ? 65 : 66
  block.writeBigUInt64LE(nanos, at + 40)
  block.writeUInt32LE((at / RECORD_BYTES) >>> 0, at + 52)
}

function metadata(): Buffer {
  const mapping = 2 * SYMBOL_BYTES + 12
  const head = Buffer.alloc(Math.ceil((108 + 20 + INSTRUMENTS * mapping) / 8) * 8)
  head.write('DBN\x03', 0, 'latin1')
  head.writeUInt32LE(head.length - 8, 4)
  head.write('XNAS.ITCH', 8, 'latin1')
  head.writeBigUInt64LE(BEGIN_NS, 26)
  head.writeBigUInt64LE(2n ** 64n - 1n, 34)
  head[50] = 1
  head.writeUInt16LE(SYMBOL_BYTES, 53)
  let at = head.writeUInt32LE(INSTRUMENTS, 108 + 16)
  for (let instrument = 0; instrument < INSTRUMENTS; instrument++, at += mapping) {
    head.write(`STOCK${instrument}`, at, 'latin1')
    head.writeUInt32LE(1, at + SYMBOL_BYTES)
    head.writeUInt32LE(20_240_610, at + SYMBOL_BYTES + 4)
    head.writeUInt32LE(20_240_611, at + SYMBOL_BYTES + 8)
    head.write(String(instrument + 1), at + SYMBOL_BYTES + 12, 'latin1')
  }
  return head
}
