/**
 * A transform of one's own: of all trades only those that are large beside the usual one so far, as CSV. A cursor on each message goes
 * through it: there is no object per message, and what is not forwarded ends here.
 *
 *     node examples/large-trades.ts demo/archive/v1/synthetic/btcusdt/2024-01-01/trades large.csv
 */
import {
  type BatchBuilder,
  type MessageCursor,
  type MessageTransform,
  ReplayPipeline,
  ReplayReader,
  TradeView,
  TYPE_TRADE,
} from '../core/index.ts'

/** Forwards trades of more than so many times the mean quantity of those before. */
class LargeTrades implements MessageTransform {
  readonly #times: number
  readonly #trade = new TradeView()
  #count = 0
  #sum = 0

  constructor(times: number) {
    this.#times = times
  }

  message(message: MessageCursor, output: BatchBuilder): void {
    const { quantity } = this.#trade.wrap(message.view, message.payloadOffset, message.length)
    if (this.#count > 0 && quantity > (this.#times * this.#sum) / this.#count) output.forward(message)
    this.#count++
    this.#sum += quantity
  }
}

const [log, file = 'large.csv'] = process.argv.slice(2) as [string, string?]
const stats = await ReplayPipeline.fromSource(await ReplayReader.open(log))
  .filterTypes([TYPE_TRADE])
  .transform(new LargeTrades(5))
  .writeToCsv(file, { decode: true })
  .run()
console.log(`${stats.read} messages, ${stats.written.csv} large trades in ${file}`)
