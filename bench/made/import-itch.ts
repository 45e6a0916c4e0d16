import { LOT, MadeOrders } from './orders.ts'

const BLOCK_ROWS = 8192
const STOCKS = 40
/** 9:30 in New York, nanoseconds since midnight. */
const BEGIN_NS = 34_200_000_000_000

/** A day of Nasdaq ITCH 5.0 in plain framing, with a directory of forty stocks before its messages. */
export function* madeItch(rows: number): Generator<Uint8Array> {
  const orders = new MadeOrders(STOCKS)
  const writer = new MessageWriter()
  for (let locate = 1; locate <= STOCKS; locate++) writer.begin('R', 39, locate, BEGIN_NS).write(stockName(locate), 11, 'latin1')
  let nanos = BEGIN_NS
  for (let row = 0; row < rows; row++) {
    nanos += 100 + orders.below(10_000)
    orders.step()
    putMessage(writer, orders, nanos)
    if (row % BLOCK_ROWS === BLOCK_ROWS - 1) yield writer.take()
  }
  yield writer.take()
}

function putMessage(writer: MessageWriter, orders: MadeOrders, nanos: number): void {
  const { action, order } = orders
  const locate = order.instrument + 1
  if (action === 'add') {
    const message = writer.begin('A', 36, locate, nanos)
    putNumber(message, 11, order.id)
    message[19] = order.isSell ? 0x53 : 0x42
    message.writeUInt32BE(order.size, 20)
    message.write(stockName(locate), 24, 'latin1')
    message.writeUInt32BE(order.price * 100, 32)
  } else if (action === 'cancel') {
    putNumber(writer.begin('D', 19, locate, nanos), 11, order.id)
  } else if (action === 'execute') {
    const message = writer.begin('E', 31, locate, nanos)
    putNumber(message, 11, order.id)
    message.writeUInt32BE(LOT, 19)
    putNumber(message, 23, order.id)
  } else {
    const message = writer.begin('U', 35, locate, nanos)
    const [id, price, size] = [orders.newId(), order.price + orders.below(3) - 1, LOT * (1 + orders.below(9))]
    putNumber(message, 11, order.id)
    putNumber(message, 19, id)
    message.writeUInt32BE(size, 27)
    message.writeUInt32BE(price * 100, 31)
    orders.replace(order, id, price, size)
  }
}

function putNumber(message: Buffer, at: number, value: number): void {
  message.writeUInt32BE(Math.floor(value / 2 ** 32), at)
  message.writeUInt32BE(value >>> 0, at + 4)
}

function stockName(locate: number): string {
  return `ST${locate}`.padEnd(8)
}

class MessageWriter {
  readonly #bytes = Buffer.alloc(BLOCK_ROWS * 64)
  #end = 0

  /** A message with its header, to be filled. */
  begin(type: string, bytes: number, locate: number, nanos: number): Buffer {
    const message = this.#bytes.subarray(this.#end + 2, this.#end + 2 + bytes).fill(0)
    this.#bytes.writeUInt16BE(bytes, this.#end)
    this.#end += 2 + bytes
    message.write(type, 0, 'latin1')
    message.writeUInt16BE(locate, 1)
    message.writeUIntBE(nanos, 5, 6)
    return message
  }

  take(): Uint8Array {
    const taken = Buffer.from(this.#bytes.subarray(0, this.#end))
    this.#end = 0
    return taken
  }
}
