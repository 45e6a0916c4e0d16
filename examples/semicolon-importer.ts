/**
 * An importer of one's own: trades as lines `milliseconds;symbol;side;price;size`, with a header line.
 *
 *     chronicle-replay import examples/semicolon-importer.ts trades.txt --archive archive
 */
import { defineImporter, Instant, Lines } from 'chronicle-replay'

const HEADER = 'time;symbol;side;price;size'

export default defineImporter({
  name: 'semicolon',
  title: 'trades with semicolons',

  recognise({ path, head }) {
    const isIt = new TextDecoder().decode(head.subarray(0, HEADER.length)) === HEADER
    return isIt ? { holds: 'trades', unit: path } : null
  },

  async read(files, output) {
    const time = new Instant()
    for (const file of files) {
      const lines = new Lines(await file.open(), file.path)
      while (await lines.block()) {
        while (lines.next()) {
          if (lines.number === 1) continue
          const [millis, symbol = '', side, price, size] = lines.text.split(';')
          if (!Number.isSafeInteger(Number(millis)) || symbol === '' || !(Number(price) > 0) || !(Number(size) >= 0)) {
            output.tally.bad('row', `expected ${HEADER}`, { path: file.path, line: lines.number })
            continue
          }
          const { trades } = output.instrument('mine', symbol)
          time.setMillis(Number(millis))
          if (trades.put(time, time, Number(price), Number(size), side === 'sell')) output.tally.wrote()
          else output.tally.leave('not asked for')
        }
      }
    }
  },
})
