/** Trades of at least a size, by a pipeline of one's own, with the sum of the minute before; and a mark made at each of them. */
import { defineJob, ReplayPipeline, TradeView } from 'chronicle-replay'

// biome-ignore lint/style/noDefaultExport: a job module
export default defineJob({
  name: 'large-trades',
  streams: ['trades', 'ticker'],
  params: { least: 0.02, marks: false },
  warmUp: '1m',
  columns: { quantity: 'f64', minute: 'f64', type: 'i32' },
  pipeline({ source, params, rows }) {
    const trade = new TradeView()
    const window: { readonly timeNs: bigint; readonly quantity: number }[] = []
    const quantityOf = ({ view, payloadOffset, length }: Parameters<Parameters<typeof rows>[0]>[0]): number =>
      trade.wrap(view, payloadOffset, length).quantity
    const made = ReplayPipeline.fromSource(source).filterTypes([0x1002])
    if (params.marks) made.map((message) => ({ timestampNs: message.timestampNs }))
    return made.sink(
      rows((message, out) => {
        const quantity = quantityOf(message)
        const timeNs = message.timestampNs
        window.push({ timeNs, quantity })
        if (quantity < params.least) return
        out.quantity = quantity
        out.minute = window.reduce((sum, one) => (one.timeNs > timeNs - 30_000_000_000n && one.timeNs <= timeNs ? sum + 1 : sum), 0)
        out.type = message.typeId
        out.emit()
        if (quantity > 2 * params.least) out.emit()
      }),
    )
  },
})
