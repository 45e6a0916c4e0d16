/** A job whose handlers do what `--param mode` says, for tests of what becomes of the rest. */
import { defineJob } from 'chronicle-replay'

// biome-ignore lint/style/noDefaultExport: a job module
export default defineJob({
  name: 'unruly',
  streams: ['trades'],
  /** `where`: the symbol to do it; `ms`: how long a message takes in mode `slow`. */
  params: { mode: 'fine', where: '', ms: 1 },
  columns: { price: 'f64' },
  create({ mode, where, ms }, context) {
    const isHere = where === '' || context.symbol === where
    const clock = new Int32Array(new SharedArrayBuffer(4))
    return {
      trade(trade, out) {
        if (isHere && mode === 'throw') throw new Error('unruly')
        if (isHere && mode === 'environment') throw new Error(`environment: ${Object.keys(process.env).sort().join(' ')}`)
        if (isHere && mode === 'exit') process.exit(7)
        if (isHere && mode === 'slow') Atomics.wait(clock, 0, 0, ms)
        while (isHere && mode === 'hang');
        out.price = trade.price
        out.emit()
      },
    }
  },
})
