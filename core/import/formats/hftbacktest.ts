import { ReplayError } from '../../errors.ts'
import { Lines } from '../files/lines.ts'
import { defineImporter, type FileGlance, type ImportFile, type ImportSettings, type Recognised } from '../importer.ts'
import type { ImportOutput } from '../messages/import-output.ts'
import { type BinanceMarket, isOfBinance, marketNamed, marketOfMessages, marketOfPath } from './recorder/binance-market.ts'
import { BinanceMessages } from './recorder/binance-messages.ts'
import { headLines } from './recorder/head-lines.ts'
import { RecordedRow } from './recorder/recorded-row.ts'
import { haveTrades } from './recorder/trade-search.ts'

/** A line: nanoseconds of the local clock, or microseconds in files of the first collector, a blank, a message. */
const LINE = /^(\d{16}|\d{19}) (\{.*)/
const FILE_NAME = /^(?<symbol>[a-z0-9_]+?)_(?<date>20\d{6})(?:\.[a-z.]+)?$/i
/** Venues that the collector knows as well, by their messages. */
const OTHERS: readonly (readonly [name: string, message: RegExp])[] = [
  ['Bybit', /^\{"topic":|^\{"success":/],
  ['Hyperliquid', /^\{"channel":/],
]

/** Files of hftbacktest's collector: what Binance sent over websockets, and snapshots of its books, in the order of receipt. */
export const hftbacktest = defineImporter({
  name: 'hftbacktest',
  title: 'hftbacktest recordings',
  recognise(file, settings) {
    const lines = headLines(file)
    if (!LINE.test(lines[0]!)) return null
    const messages = lines.map((line) => LINE.exec(line)?.[2] ?? '').filter((message) => message !== '')
    const market = marketOf(file, messages, settings)
    return recognisedBy(file, market)
  },
  async read(files, output) {
    await new CollectorReader(files, output).read()
  },
})

function marketOf({ path }: FileGlance, messages: readonly string[], { venue }: ImportSettings): BinanceMarket {
  const other = OTHERS.find(([, pattern]) => pattern.test(messages[0]!))
  if (other !== undefined) {
    const message = `this is a recording of ${other[0]}: of hftbacktest's collector, files of Binance are read`
    throw new ReplayError('import-refused', message, { category: 'input', path })
  }
  const market = marketOfMessages(messages) ?? (messages.some(isOfBinance) ? (marketNamed(venue) ?? marketOfPath(path)) : null)
  if (market !== null) return market
  const message = 'the first messages do not say which market of Binance they are of: name it by --venue binance-spot, -usdm or -coinm'
  throw new ReplayError('import-refused', message, { category: 'input', path })
}

/** The collector goes on in the next day's file without a snapshot: days of a symbol are read together. */
function recognisedBy({ name, path }: FileGlance, market: BinanceMarket): Recognised {
  const found = FILE_NAME.exec(name)?.groups
  if (found === undefined) return { holds: market, unit: path, venue: market }
  const [symbol, date] = [symbolOf(name)!, found.date!]
  const folder = path.slice(0, path.length - name.length)
  const day = `${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6)}`
  return { holds: market, unit: `${folder}${market}/${symbol}`, order: date, venue: market, symbols: [symbol], dates: [day] }
}

/** The exchange writes symbols in capitals. */
function symbolOf(name: string): string | null {
  return FILE_NAME.exec(name)?.groups?.symbol?.toUpperCase() ?? null
}

/** Reads the files of a symbol in the order of their days. */
class CollectorReader {
  readonly #files: readonly ImportFile[]
  readonly #row: RecordedRow
  readonly #messages: BinanceMessages

  constructor(files: readonly ImportFile[], output: ImportOutput) {
    this.#files = files
    this.#row = new RecordedRow(output.tally)
    const market = files[0]!.holds
    this.#messages = new BinanceMessages(market, market !== 'binance-spot', output, this.#row)
  }

  async read(): Promise<void> {
    for (const file of this.#files) await this.#readFile(file)
    this.#messages.finish()
  }

  async #readFile(file: ImportFile): Promise<void> {
    const lines = new Lines(await file.open(), file.path)
    const symbol = symbolOf(file.name)
    const row = this.#row
    const messages = this.#messages
    row.path = file.path
    while (await lines.block()) {
      while (lines.next()) {
        const { bytes, start, end } = lines
        if (start === end) continue
        row.line = lines.number
        row.isCut = lines.isCut
        const blank = bytes.indexOf(BLANK, start)
        if (blank < 0 || blank >= end || !row.received.parseDigits(bytes, start, blank)) {
          row.bad('time', 'expected the time of receipt in nanoseconds, a blank, and a message')
          continue
        }
        if (messages.take(bytes, blank + 1, end, symbol) === 'settled') continue
        messages.hasTrades = await haveTrades(this.#files)
        messages.take(bytes, blank + 1, end, symbol)
      }
    }
  }
}

const BLANK = 32
