import { ReplayError } from '../../../errors.ts'
import { CsvFields } from '../../files/csv-fields.ts'
import { Lines } from '../../files/lines.ts'
import { wholeNumber } from '../../files/whole-number.ts'
import type { ImportFile } from '../../importer.ts'
import { Decimal } from '../../messages/decimal.ts'
import type { ImportOutput } from '../../messages/import-output.ts'
import { Instant } from '../../messages/instant.ts'
import type { InstrumentOutput } from '../../messages/instrument-output.ts'
import { type BinanceKind, binanceVenue, kindOf } from './file-kind.ts'
import { NumberScan } from './number-scan.ts'
import { RowSorter } from './row-sorter.ts'

export interface PriceRowsOptions {
  readonly file: ImportFile
  readonly output: ImportOutput
  readonly symbol: string
  /** Rows may be in any order. */
  readonly sortsAll: boolean
}

/** Numbers of a sorted row: id, time in microseconds, price, quantity, whether the buyer rested. */
const TRADE_WIDTH = 5
/** Numbers of a sorted row: id, transaction and event time in microseconds, price and quantity of bid and ask. */
const TICKER_WIDTH = 7

/** Reads a file of trades, aggregated trades or best prices: rows of one symbol, brought into the order of their ids. */
export class PriceRows {
  readonly #options: PriceRowsOptions
  readonly #lines: Lines
  readonly #fields = new CsvFields(16)
  readonly #scan = new NumberScan()
  readonly #number = new Decimal()
  readonly #time = new Instant()
  readonly #eventTime = new Instant()
  readonly #last = new Float64Array(TRADE_WIDTH).fill(-1)

  constructor(options: PriceRowsOptions, lines: Lines) {
    this.#options = options
    this.#lines = lines
  }

  static async read(options: PriceRowsOptions): Promise<void> {
    const lines = new Lines(await options.file.open(), options.file.path)
    try {
      await new PriceRows(options, lines).#read()
    } finally {
      await lines.close()
    }
  }

  async #read(): Promise<void> {
    const { file, output, symbol, sortsAll } = this.#options
    const lines = this.#lines
    const kind = await this.#kind()
    const instrument = output.instrument(binanceVenue(kind.market, symbol), symbol)
    const isTicker = kind.type === 'bookTicker'
    const isTrades = kind.type === 'trades'
    const width = isTicker ? TICKER_WIDTH : TRADE_WIDTH
    const sorter = new RowSorter(
      { width, path: file.path, sortsAll },
      isTicker ? this.#tickerTaker(instrument) : this.#tradeTaker(instrument),
    )
    const [timeField, makerField] = isTrades ? [4, 5] : [5, 6]
    const fields = this.#fields
    try {
      // The first line has been taken: it is a row unless it is the header.
      for (let isRow = !kind.hasHeader, more = true; more; more = await lines.block()) {
        while (isRow || lines.next()) {
          isRow = false
          if (lines.end === lines.start) continue
          if (isTicker ? this.#scanTicker(sorter) : this.#scanTrade(sorter, makerField!, kind.columns)) {
            sorter.commit(lines.number)
            continue
          }
          const count = fields.split(lines.bytes, lines.start, lines.end)
          if (count !== kind.columns) this.#bad('columns', `expected ${kind.columns} columns, found ${count}`)
          else if (isTicker ? this.#parseTicker(sorter) : this.#parseTrade(sorter, timeField!, makerField!)) sorter.commit(lines.number)
        }
      }
      if (sorter.stepsBack > 0) output.tally.note('ids stepping back', sorter.stepsBack)
      sorter.finish()
    } finally {
      sorter.close()
    }
  }

  /** Takes the first line. */
  async #kind(): Promise<BinanceKind> {
    const lines = this.#lines
    while (await lines.block()) {
      if (!lines.next()) continue
      const kind = kindOf(lines.text, '')
      if (kind !== null) return kind
      break
    }
    const message = `expected the header or a row of Binance's ${this.#options.file.holds}, found ${JSON.stringify(lines.text.slice(0, 200))}`
    throw new ReplayError('binance-header', message, { category: 'corrupt', path: this.#options.file.path })
  }

  /** Puts a row as nearly all are into the sorter's next place. False: it is for `#parseTrade`. */
  #scanTrade({ rows, at }: RowSorter, makerField: number, columns: number): boolean {
    const { bytes, start, end } = this.#lines
    const scan = this.#scan
    scan.at = start
    rows[at] = scan.next(bytes, end)
    const idLength = scan.length
    const price = scan.next(bytes, end)
    const quantity = scan.next(bytes, end)
    for (let field = 3; field < makerField - 1; field++) scan.skip(bytes, end)
    const time = scan.next(bytes, end)
    if (!(price > 0) || !(quantity > 0) || idLength > 15 || (scan.length !== 13 && scan.length !== 16)) return false
    const makerStart = scan.at
    scan.skip(bytes, end)
    const maker = truthOf(bytes, makerStart, Math.min(scan.at - 1, end))
    for (let field = makerField + 1; field < columns; field++) scan.skip(bytes, end)
    if (maker < 0 || scan.at !== end + 1) return false
    rows[at + 1] = scan.length === 13 ? time * 1000 : time
    rows[at + 2] = price
    rows[at + 3] = quantity
    rows[at + 4] = maker
    return rows[at]! >= 0 && time > 0 && Number.isInteger(rows[at]) && Number.isInteger(time)
  }

  /** As `#scanTrade`. */
  #scanTicker({ rows, at }: RowSorter): boolean {
    const { bytes, start, end } = this.#lines
    const scan = this.#scan
    scan.at = start
    rows[at] = scan.next(bytes, end)
    if (scan.length > 15 || !Number.isInteger(rows[at])) return false
    let least = rows[at]!
    for (let to = at + 3; to < at + 7; to++) {
      rows[to] = scan.next(bytes, end)
      least = Math.min(least, rows[to]!)
    }
    for (let to = at + 1; to < at + 3; to++) {
      const time = scan.next(bytes, end)
      if ((scan.length !== 13 && scan.length !== 16) || !Number.isInteger(time)) return false
      least = Math.min(least, time)
      rows[to] = scan.length === 13 ? time * 1000 : time
    }
    return least >= 0 && scan.at === end + 1
  }

  /** Puts a row into the sorter's next place. False: it is settled already. */
  #parseTrade({ rows, at }: RowSorter, timeField: number, makerField: number): boolean {
    const { bytes } = this.#lines
    const { starts, ends } = this.#fields
    const id = wholeNumber(bytes, starts[0]!, ends[0]!)
    const micros = microsOf(bytes, starts[timeField]!, ends[timeField]!)
    const maker = truthOf(bytes, starts[makerField]!, ends[makerField]!)
    if (id < 0 || starts[0] === ends[0]) return this.#bad('id', 'the id is no whole number')
    if (micros < 0) return this.#bad('time', 'expected a time of 13 digits (milliseconds) or 16 (microseconds)')
    if (maker < 0) return this.#bad('side', 'is_buyer_maker: expected true or false')
    const price = this.#number.double(bytes, starts[1]!, ends[1]!)
    const quantity = this.#number.double(bytes, starts[2]!, ends[2]!)
    if (!Number.isFinite(price) || !(quantity >= 0)) return this.#bad('number', 'price or quantity is no number')
    if (price === 0 || quantity === 0) {
      // Stands for a trade that was taken back: nothing was traded.
      this.#options.output.tally.leave('empty-trade')
      return false
    }
    rows[at] = id
    rows[at + 1] = micros
    rows[at + 2] = price
    rows[at + 3] = quantity
    rows[at + 4] = maker
    return true
  }

  #parseTicker({ rows, at }: RowSorter): boolean {
    const { bytes } = this.#lines
    const { starts, ends } = this.#fields
    const id = wholeNumber(bytes, starts[0]!, ends[0]!)
    if (id < 0 || starts[0] === ends[0]) return this.#bad('id', 'the update id is no whole number')
    rows[at] = id
    for (let field = 5; field < 7; field++) {
      const micros = microsOf(bytes, starts[field]!, ends[field]!)
      if (micros < 0) return this.#bad('time', 'expected a time of 13 digits (milliseconds) or 16 (microseconds)')
      rows[at + field - 4] = micros
    }
    for (let field = 1; field < 5; field++) {
      const value = this.#number.double(bytes, starts[field]!, ends[field]!)
      if (!Number.isFinite(value) || (value < 0 && (field & 1) === 0)) return this.#bad('number', 'price or quantity is no number')
      rows[at + field + 2] = value
    }
    return true
  }

  #tradeTaker({ trades }: InstrumentOutput): (rows: Float64Array, at: number) => void {
    const { tally } = this.#options.output
    const last = this.#last
    return (rows, at) => {
      const id = rows[at]!
      const missing = id - last[0]! - 1
      if (missing !== 0 && last[0] !== -1) {
        if (missing === -1) {
          if (isSame(last, rows, at)) {
            tally.leave('repeated')
            return
          }
          tally.note('ids repeated')
        } else {
          tally.note('id gaps')
          tally.note('ids missing', missing)
        }
      }
      for (let k = 0; k < TRADE_WIDTH; k++) last[k] = rows[at + k]!
      const time = this.#time.setMicros(rows[at + 1]!)
      if (trades.setIdNumber(id).put(time, time, rows[at + 2]!, rows[at + 3]!, rows[at + 4] === 1)) tally.wrote()
      else tally.leave('not asked for')
    }
  }

  #tickerTaker({ ticker }: InstrumentOutput): (rows: Float64Array, at: number) => void {
    const { tally } = this.#options.output
    return (rows, at) => {
      const transaction = this.#time.setMicros(rows[at + 1]!)
      const event = this.#eventTime.setMicros(rows[at + 2]!)
      if (ticker.put(event, transaction, rows[at + 3]!, rows[at + 4]!, rows[at + 5]!, rows[at + 6]!)) tally.wrote()
      else tally.leave('not asked for')
    }
  }

  #bad(what: string, message: string): false {
    const { file, output } = this.#options
    output.tally.bad(what, message, { path: file.path, line: this.#lines.number })
    return false
  }
}

function isSame(row: Float64Array, rows: Float64Array, at: number): boolean {
  for (let k = 0; k < row.length; k++) if (row[k] !== rows[at + k]) return false
  return true
}

/** Microseconds since the epoch of 13 digits (milliseconds) or 16 (microseconds); else −1. */
function microsOf(bytes: Uint8Array, start: number, end: number): number {
  const digits = end - start
  if (digits !== 13 && digits !== 16) return -1
  let value = 0
  for (let at = start; at < end; at++) {
    const digit = bytes[at]! - 48
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return digits === 13 ? value * 1000 : value
}

/** 1 `true`, 0 `false`, in any case; else −1. */
function truthOf(bytes: Uint8Array, start: number, end: number): number {
  const first = bytes[start]! | 32
  const last = bytes[end - 1]! | 32
  if (last !== LETTER_E) return -1
  if (first === LETTER_T && end - start === 4) return 1
  return first === LETTER_F && end - start === 5 ? 0 : -1
}

const LETTER_E = 101
const LETTER_F = 102
const LETTER_T = 116
