import type { MessageBatch } from '../../core/message/batch.ts'
import type { Level } from '../../core/protocol/level.ts'
import { batchOf, type TestMessage, tickerMessage, tradeMessage } from './batches.ts'
import { diff, heartbeat, l3, reset, snapshot } from './book-messages.ts'
import { START_NS } from './feature-stream.ts'
import { mutated } from './mutated-payloads.ts'

export type Draw = (n: number) => number
export type Shape = 'L2' | 'L3'

interface StreamMessage extends TestMessage {
  /** Log: 0 has the book, 1 trades and tickers. */
  readonly log: number
}

/** The messages of an instrument with the sequences of its logs, which mostly are in order. */
class OddStream {
  readonly #draw: Draw
  readonly #shape: Shape
  readonly #odds: number
  readonly #records = [0n, 0n]
  #header = 1n
  #id = 1000n
  #timeNs = START_NS
  #isStarted = false

  /** @param odds one message in so many is odd in some way */
  constructor(draw: Draw, shape: Shape, odds: number) {
    this.#draw = draw
    this.#shape = shape
    this.#odds = odds
  }

  next(isDamaged: boolean): StreamMessage {
    const draw = this.#draw
    this.#timeNs += BigInt(draw(4) === 0 ? draw(400_000_000) : draw(3_000_000)) - (this.#isOdd() ? 30_000_000n : 0n)
    const log = draw(4) === 0 ? 1 : 0
    const message = log === 1 ? this.#other() : this.#bookEvent()
    const seq = this.#records[log]!
    this.#records[log] = this.#isOdd() ? (draw(6) === 0 ? 0n : seq + BigInt(draw(4))) : seq + 1n
    const payload = isDamaged && draw(8) === 0 ? mutated(message.payload, draw) : message.payload
    return { ...message, seq, timestampNs: this.#timeNs, payload, log }
  }

  #other(): Pick<TestMessage, 'typeId' | 'payload'> {
    const draw = this.#draw
    if (this.#isOdd()) return tickerMessage(0n, this.#timeNs)
    const price = draw(200) === 0 ? Number.NaN : draw(30) === 0 ? Math.sqrt(2 + draw(10)) : (9900 + draw(200)) / 10 ** draw(3)
    const fields = { price, quantity: (1 + draw(5000)) / 1000, isBuyerMaker: draw(2) === 0, symbolHash: this.#isOdd() ? 8n : 7n }
    return tradeMessage(0n, this.#timeNs, fields)
  }

  #bookEvent(): Pick<TestMessage, 'typeId' | 'payload'> {
    const draw = this.#draw
    const header = this.#isOdd() ? { seq: BigInt(draw(3)) } : { seq: this.#header }
    this.#header = header.seq + 1n + (this.#isOdd() ? BigInt(draw(3)) : 0n)
    const market = this.#isOdd() && draw(3) === 0 ? { marketId: 8 } : {}
    const fields = { ...header, ...market, exchangeTsNs: this.#timeNs + BigInt(draw(1000)) }
    const isFirst = !this.#isStarted
    this.#isStarted = true
    return { typeId: 0x1000, payload: this.#shape === 'L3' ? this.#order(fields, isFirst) : this.#levels(fields, isFirst) }
  }

  #levels(fields: object, isFirst: boolean): Uint8Array {
    const draw = this.#draw
    const scales = this.#isOdd() ? { priceScale: draw(5), sizeScale: draw(5) } : {}
    const kind = isFirst ? 0 : this.#isOdd() ? draw(4) : 4
    if (kind <= 1) return snapshot(side(draw, 990), side(draw, 1000), { ...fields, ...scales, nativeSeq: draw(2) === 0 ? this.#id : 0n })
    if (kind === 2) return reset(fields)
    if (kind === 3) return heartbeat()
    const updateIdFirst = this.#isOdd() ? this.#id + BigInt(draw(4)) : this.#id + 1n
    const updateIdPrev = this.#isOdd() ? 0n : this.#id
    const updateIdLast = updateIdFirst + BigInt(draw(5))
    this.#id = updateIdLast
    const ids = draw(100) === 0 ? {} : { updateIdFirst, updateIdLast, updateIdPrev, nativeSeq: this.#isOdd() ? 5n : updateIdLast }
    return diff(side(draw, 990), side(draw, 1000), { ...fields, ...scales, ...ids })
  }

  #order(fields: object, isFirst: boolean): Uint8Array {
    const draw = this.#draw
    const eventType = isFirst ? 5 : this.#isOdd() ? 2 + draw(5) : draw(3) === 0 ? 2 : 1
    const scales = this.#isOdd() ? { priceScale: draw(4), sizeScale: draw(3) } : {}
    const orderId = BigInt(1 + draw(60))
    return l3({ ...fields, ...scales, eventType, orderId, side: 1 + draw(2), price: price(draw, 990), quantity: BigInt(1 + draw(50)) })
  }

  #isOdd(): boolean {
    return this.#draw(this.#odds) === 0
  }
}

/** Around a touch, crossed now and then, far from it, more than 2^32 ticks apart. */
function price(draw: Draw, from: number): bigint {
  const kind = draw(40)
  if (kind < 38) return BigInt(from + draw(14))
  return kind === 38 ? BigInt(draw(3_000_000)) : (BigInt(draw(2 ** 20)) << 32n) + BigInt(draw(1000))
}

function side(draw: Draw, from: number): Level[] {
  return Array.from({ length: draw(6) }, () => [price(draw, from), draw(3) === 0 ? 0n : BigInt(1 + draw(1000))])
}

/** The messages in one buffer, or in two as a merge of two logs gives them, of which some may not be selected. */
function batchOfLogs(messages: readonly StreamMessage[], isMerged: boolean): MessageBatch {
  const batch = batchOf(messages, { path: '/logs/book' })
  if (!isMerged) return batch
  const [buffer] = batch.buffers
  batch.buffers = [buffer!, { ...buffer!, origin: { ...buffer!.origin, path: '/logs/trades', segment: 3 } }]
  batch.bufferIndex = Uint16Array.from(messages, ({ log }) => log)
  return batch
}

/** Batches of a stream with odd messages, some of them narrowed. */
export function oddBatches(draw: Draw, shape: Shape, count: number, isDamaged: boolean): MessageBatch[] {
  const stream = new OddStream(draw, shape, [12, 60, 400][draw(3)]!)
  const isMerged = draw(2) === 0
  const isFiltered = draw(4) === 0
  const batches: MessageBatch[] = []
  for (let left = count; left > 0; ) {
    const size = Math.min(left, 1 + draw(draw(3) === 0 ? 3000 : 60))
    const batch = batchOfLogs(
      Array.from({ length: size }, () => stream.next(isDamaged)),
      isMerged,
    )
    if (isFiltered) batch.narrow(() => draw(40) > 0)
    batches.push(batch)
    left -= size
  }
  return batches
}
