import { ReplayError } from '../../errors.ts'
import { defineImporter, type FileGlance, type ImportSettings, type Recognised } from '../importer.ts'
import { readDepth } from './binance/depth-rows.ts'
import { binanceVenue, kindOf, namedBy, otherType } from './binance/file-kind.ts'
import { PriceRows } from './binance/price-rows.ts'

/**
 * Files of data.binance.vision: trades, aggregated trades and best prices, with a header or without, times in milliseconds or
 * microseconds; and T_DEPTH and S_DEPTH, whose snapshots and updates are read together.
 *
 * Words: `symbol=BTCUSDT` where the name of a file does not say it; `sort=all` for a file whose rows are far out of order.
 */
export const binance = defineImporter({
  name: 'binance',
  title: 'Binance public data',
  recognise(file, settings) {
    const [line, second] = firstLines(file)
    const kind = kindOf(line, second)
    const { path } = file
    if (kind === null) {
      const other = otherType(line)
      if (other === null) return null
      throw new ReplayError('import-refused', OTHERS[other] ?? `no message holds ${other} of Binance`, { category: 'input', path })
    }
    const { type } = kind
    if (type === 'depth snapshots' || type === 'depth updates')
      return recogniseDepth(file, type, (kind.hasHeader ? second : line).split(',')[0]!)
    const named = namedBy(file.name)
    const symbol = settings.words.symbol ?? named?.symbol
    if (symbol === undefined) {
      const message = `these are ${type} of Binance, but the file's name does not say of which symbol: name it as Binance does, e.g. BTCUSDT-${type}-2024-08-08.csv, or give symbol=BTCUSDT`
      throw new ReplayError('import-refused', message, { category: 'input', path })
    }
    const dates = named === null ? {} : { dates: named.dates }
    // Files of several markets have one name.
    return { holds: type, unit: path, venue: binanceVenue(kind.market, symbol), symbols: [symbol], ...dates }
  },
  async read(files, output, settings) {
    if (files.some(({ holds }) => holds.startsWith('depth'))) {
      await readDepth(files, output)
      return
    }
    for (const file of files) await PriceRows.read({ file, output, symbol: symbolOf(file.name, settings), sortsAll: sortsAll(settings) })
  },
})

const OTHERS: Readonly<Record<string, string>> = {
  bookDepth:
    'bookDepth of Binance has cumulated bands of 1 to 5 % around the price every half minute: it is not a book. Books are in T_DEPTH of Binance, or incremental_book_L2 of Tardis',
  klines: 'klines of Binance are candles, which no message holds: import trades or aggTrades, and make bars of them',
}

function firstLines({ head }: FileGlance): [string, string] {
  const [line = '', second = ''] = new TextDecoder().decode(head.subarray(0, 4096)).split('\n', 2)
  return [line.trimEnd(), second.trimEnd()]
}

function recogniseDepth({ path, name }: FileGlance, holds: 'depth snapshots' | 'depth updates', symbol: string): Recognised {
  const isSnapshots = holds === 'depth snapshots'
  const date = /(?<!\d)\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?!\d)/.exec(name)?.[0]
  const stem = path.slice(0, path.length - name.length) + name.replace(/\..*$/, '').replace(KIND_IN_NAME, '*')
  const dates = date === undefined ? {} : { dates: [date] }
  return { holds, unit: stem, order: isSnapshots ? '0' : '1', venue: binanceVenue('futures', symbol), symbols: [symbol], ...dates }
}

/** The last such word: a symbol may hold one as well. */
const KIND_IN_NAME = /(?:snap(?:shots?)?|updates?)(?!.*(?:snap|update))/i

function symbolOf(name: string, { words }: ImportSettings): string {
  return words.symbol ?? namedBy(name)?.symbol ?? name
}

/** @throws ReplayError input `import-words` */
function sortsAll({ words }: ImportSettings): boolean {
  const { sort } = words
  if (sort === undefined || sort === 'all') return sort === 'all'
  throw new ReplayError('import-words', `sort: expected all, found ${JSON.stringify(sort)}`, { category: 'input' })
}
