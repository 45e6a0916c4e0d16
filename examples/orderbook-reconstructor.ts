/**
 * Example 4 of the reference design: a transform with an order book of its own, which turns a stream of updates into
 * one snapshot of the whole book per 1000 messages, as a queue.
 *
 *     node examples/orderbook-reconstructor.ts ./queue ./snapshots
 */
import {
  APPLIED,
  type BatchBuilder,
  L2Book,
  type MessageCursor,
  type MessageTransform,
  ReplayPipeline,
  ReplayReader,
  snapshotMessage,
} from '../core/index.ts'

const SNAPSHOT_EVERY = 1000

class OrderbookReconstructor implements MessageTransform {
  readonly book = new L2Book()
  #messages = 0
  #isDue = false

  message(message: MessageCursor, output: BatchBuilder): void {
    const result = this.book.apply(message)
    if (++this.#messages % SNAPSHOT_EVERY === 0) this.#isDue = true
    // A trade or a heartbeat has no book to show: the next update will do.
    if (!this.#isDue || result !== APPLIED) return
    this.#isDue = false
    // What is not forwarded is consumed: only the snapshots go on.
    output.emit(snapshotMessage(this.book, message), message)
  }
}

const [queue = './queue', snapshots = './snapshots'] = process.argv.slice(2)
const reader = await ReplayReader.open(queue)
const stats = await ReplayPipeline.fromSource(reader).transform(new OrderbookReconstructor()).writeToQueue(snapshots).run()
console.log(`read ${stats.read} messages, wrote ${stats.written.queue} snapshots to ${snapshots}`)
