import { defineImporter, type FileGlance, type ImportSettings, type Recognised } from '../importer.ts'
import { isMapped, readMapping } from './columns/mapping.ts'
import { readRows } from './columns/row-reader.ts'
import { openTableSource } from './columns/table-source.ts'

/**
 * Tables of one's own: CSV with any delimiter, Parquet, JSON lines – whatever DuckDB reads – of which words say what its columns are.
 * Trades of one symbol need five:
 *
 *     stream=trades symbol=BTCUSDT time=ts price=px size=qty          --venue mine
 *
 * The same names may stand in a JSON file, `map=trades.json`: `{"stream": "trades", "venue": "mine", "time": "ts", …}`; words on the
 * command line go before it. What is not said here is an error, as is a column that is not in the file.
 *
 * | word | says |
 * | --- | --- |
 * | `stream` | `trades`, `ticker` (best bid and ask), `book` (changes of levels, a row each), `snapshots` (whole books, a row per level) |
 * | `venue`, `symbol` | what all rows are of; or the column that says it: `venue-column`, `symbol-column` |
 * | `time` | column of the record time: when the message was received, or else the venue's time |
 * | `exchange-time` | column of the venue's time; the record time where there is none |
 * | `time-unit` | `s`, `ms`, `us`, `ns`, `iso`; else numbers with 10, 13, 16 or 19 digits tell, and times of Parquet are what they are |
 * | `price`, `size` | columns of trades and levels; a level of size 0 is gone |
 * | `side` | column: who took (trades), or bid and ask (levels) |
 * | `buy`, `sell` | what stands in `side`, e.g. `buy=B,BUY sell=S`; of a column `is_buyer_maker` it is `buy=false sell=true` |
 * | `id` | column of the trade's id |
 * | `bid-price`, `bid-size`, `ask-price`, `ask-size` | columns of tickers; sizes may be missing |
 * | `message` | columns whose values are equal, row after row, in one message of a book, e.g. `message=ts,seq` @default the time, and the update id; none with `last` |
 * | `last` | column that is true in the last row of a message |
 * | `snapshot`, `snapshot-is` | column that is true in rows of a whole book, and the texts that mean it @default true, 1, snapshot … |
 * | `update-id`, `first-update-id`, `previous-update-id` | columns of the venue's ids of a book's changes |
 * | `depth` | books have so many levels a side, and no more |
 * | `names` | columns of a CSV without a header, in order: `names=ts,px,qty` |
 * | `delimiter`, `skip-lines` | of a CSV @default told by its rows; none |
 *
 * Numbers are taken exactly: as they stand in texts, as DECIMALs are, and as the shortest text of a DOUBLE. Texts are read by way of a
 * temporary file; memory is bounded. Rows stay in the order of the file.
 */
export const columns = defineImporter({
  name: 'columns',
  title: 'Columns of tables',
  recognise(file, settings) {
    if (!isMapped(settings) || !isTable(file)) return null
    return recognisedBy(file, settings)
  },
  async read(files, output, settings) {
    const mapping = readMapping(settings)
    for (const file of files) {
      const source = await openTableSource(file, mapping)
      try {
        await readRows(source, mapping, file, output)
      } finally {
        source.close()
      }
    }
  },
})

function recognisedBy({ path }: FileGlance, settings: ImportSettings): Recognised {
  const { stream, words } = readMapping(settings)
  const { venue, symbol } = words
  return { holds: stream, unit: path, ...(venue !== undefined && { venue }), ...(symbol !== undefined && { symbols: [symbol] }) }
}

/** Parquet, or a text. */
function isTable({ head }: FileGlance): boolean {
  return (head[0] === 0x50 && head[1] === 0x41 && head[2] === 0x52 && head[3] === 0x31) || !head.includes(0)
}
