import { ReplayError } from '../../../errors.ts'
import { CsvRows } from '../../files/csv-rows.ts'
import type { ImportFile } from '../../importer.ts'
import { Decimal } from '../../messages/decimal.ts'
import type { ImportOutput } from '../../messages/import-output.ts'
import { Instant } from '../../messages/instant.ts'
import type { InstrumentOutput } from '../../messages/instrument-output.ts'
import { type BinanceKind, binanceVenue, kindOf } from './file-kind.ts'
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
  readonly #rows: CsvRows
  readonly #number = new Decimal()
  readonly #time = new Instant()
  readonly #eventTime = new Instant()
  readonly #last = new Float64Array(TRADE_WIDTH).fill(-1)

  constructor(options: PriceRowsOptions, rows: CsvRows) {
    this.#options = options
    this.#rows = rows
  }

  static async read(options: PriceRowsOptions): Promise<void> {
    const rows = new CsvRows(await options.file.open(), options.file.path)
    try {
      await new PriceRows(options, rows).#read()
    } finally {
      await rows.close()
    }
  }

  async #read(): Promise<void> {
    const { file, output, symbol, sortsAll } = this.#options
    const rows = this.#rows
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
    try {
      // The first line has been taken: it is a row unless it is the header.
      for (let isRow = !kind.hasHeader, more = true; more; more = await rows.block()) {
        while (isRow || rows.next()) {
          isRow = false
          const { count } = rows
          if (count === kind.columns) {
            if (isTicker ? this.#parseTicker(sorter) : this.#parseTrade(sorter, timeField!, makerField!)) sorter.commit(rows.number)
          } else if (count > 1 || !rows.isEmpty(0)) this.#bad('columns', `expected ${kind.columns} columns, found ${count}`)
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
    const rows = this.#rows
    let text = ''
    if (await rows.block()) {
      rows.next()
      text = rows.text
      const kind = kindOf(text, '')
      if (kind !== null) return kind
    }
    const message = `expected the header or a row of Binance's ${this.#options.file.holds}, found ${JSON.stringify(text.slice(0, 200))}`
    throw new ReplayError('binance-header', message, { category: 'corrupt', path: this.#options.file.path })
  }

  /** Puts a row into the sorter's next place. False: it is settled already. */
  #parseTrade({ rows, at }: RowSorter, timeField: number, makerField: number): boolean {
    const row = this.#rows
    const id = row.whole(0)
    const micros = row.micros(timeField)
    const maker = truthOf(row.bytes, row.starts[row.first + makerField]!, row.ends[row.first + makerField]!)
    if (id < 0 || row.isEmpty(0)) return this.#bad('id', 'the id is no whole number')
    if (micros < 0) return this.#bad('time', 'expected a time of 13 digits (milliseconds) or 16 (microseconds)')
    if (maker < 0) return this.#bad('side', 'is_buyer_maker: expected true or false')
    const price = row.double(1, this.#number)
    const quantity = row.size(2, this.#number)
    if (Number.isNaN(price) || Number.isNaN(quantity)) return this.#bad('number', 'price or quantity is no number')
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
    const row = this.#rows
    const id = row.whole(0)
    if (id < 0 || row.isEmpty(0)) return this.#bad('id', 'the update id is no whole number')
    rows[at] = id
    for (let field = 5; field < 7; field++) {
      const micros = row.micros(field)
      if (micros < 0) return this.#bad('time', 'expected a time of 13 digits (milliseconds) or 16 (microseconds)')
      rows[at + field - 4] = micros
    }
    for (let field = 1; field < 5; field++) {
      const value = (field & 1) === 0 ? row.size(field, this.#number) : row.double(field, this.#number)
      if (Number.isNaN(value)) return this.#bad('number', 'price or quantity is no number')
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
    output.tally.bad(what, message, { path: file.path, line: this.#rows.number })
    return false
  }
}

function isSame(row: Float64Array, rows: Float64Array, at: number): boolean {
  for (let k = 0; k < row.length; k++) if (row[k] !== rows[at + k]) return false
  return true
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
