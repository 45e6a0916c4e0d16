import { ReplayError } from '../../errors.ts'
import { SameText } from '../files/csv-fields.ts'
import { CsvRows } from '../files/csv-rows.ts'
import { idWords } from '../files/whole-number.ts'
import { defineImporter, type FileGlance, type ImportFile, type Recognised } from '../importer.ts'
import { Decimal } from '../messages/decimal.ts'
import type { ImportOutput } from '../messages/import-output.ts'
import { Instant } from '../messages/instant.ts'
import type { InstrumentOutput } from '../messages/instrument-output.ts'

/** Types of files, by the columns behind `exchange,symbol,timestamp,local_timestamp`. */
const HEADERS: Readonly<Record<string, string>> = {
  'is_snapshot,side,price,amount': 'incremental_book_L2',
  'id,side,price,amount': 'trades',
  'ask_amount,ask_price,bid_price,bid_amount': 'quotes',
}
const BEGIN = 'exchange,symbol,timestamp,local_timestamp,'
const SNAPSHOT_HEADER = /^asks\[0\]\.price,asks\[0\]\.amount,bids\[0\]\.price,bids\[0\]\.amount/
/** What there is no message for. */
const OTHERS = /^(?:funding_timestamp|open_interest|last_price|type,strike|id,side,price,amount,)/
const FILE_NAME = /^(?<exchange>[a-z0-9-]+)_(?<type>[A-Za-z0-9_]+)_(?<date>\d{4}-\d\d-\d\d)_(?<symbol>.+?)\.csv/

/** CSV files of tardis.dev: a header line, then rows in the order of `local_timestamp`, times in microseconds. */
export const tardis = defineImporter({
  name: 'tardis',
  title: 'Tardis CSV',
  recognise(file) {
    const header = headerOf(file)
    if (header === null) return null
    const holds = typeOf(header)
    const { path } = file
    if (holds === null) {
      const message = `no message holds what is in this file of Tardis: ${header.slice(BEGIN.length, 120)}`
      throw new ReplayError('import-refused', message, { category: 'input', path })
    }
    return recognisedBy(file, holds)
  },
  async read(files, output) {
    for (const file of files) await new TardisReader(file, output).read()
  },
})

function headerOf({ head }: FileGlance): string | null {
  const end = head.indexOf(10)
  const line = new TextDecoder('latin1').decode(head.subarray(0, end < 0 ? head.length : end)).trimEnd()
  return line.startsWith(BEGIN) ? line : null
}

function typeOf(header: string): string | null {
  const columns = header.slice(BEGIN.length)
  if (SNAPSHOT_HEADER.test(columns)) return 'book_snapshot'
  if (OTHERS.test(columns)) return null
  return HEADERS[columns] ?? null
}

function recognisedBy({ name, path }: FileGlance, holds: string): Recognised {
  const found = FILE_NAME.exec(name)?.groups
  // Days are apart: each file begins with a snapshot. In the folders of the vendor's URLs all of them have one name.
  if (found === undefined) return { holds, unit: path }
  return { holds, unit: path, venue: found.exchange!, symbols: [found.symbol!], dates: [found.date!] }
}

type RowReader = (rows: CsvRows) => void

/** Reads one file. Rows of symbols may be mixed. */
class TardisReader {
  readonly #file: ImportFile
  readonly #output: ImportOutput
  readonly #exchangeTime = new Instant()
  readonly #local = new Instant()
  readonly #price = new Decimal()
  readonly #size = new Decimal()
  readonly #instruments = new Map<string, SymbolState>()
  readonly #sameSymbol = new SameText()
  #symbol: SymbolState | null = null
  #line = 0
  #depth = 0

  constructor(file: ImportFile, output: ImportOutput) {
    this.#file = file
    this.#output = output
  }

  async read(): Promise<void> {
    const rows = new CsvRows(await this.#file.open(), this.#file.path)
    let readRow: RowReader | null = null
    let columns = 0
    while (await rows.block()) {
      while (rows.next()) {
        this.#line = rows.number
        if (readRow === null) {
          readRow = this.#rowReader(rows.text)
          columns = rows.count
          continue
        }
        const { count } = rows
        if (count === columns) readRow(rows)
        else if (count > 1 || !rows.isEmpty(0)) this.#bad('columns', `expected ${columns} columns, found ${count}`)
      }
    }
    for (const state of this.#instruments.values()) state.endGroup()
  }

  #rowReader(header: string): RowReader {
    const type = header.startsWith(BEGIN) ? typeOf(header) : null
    if (type === null)
      throw new ReplayError('import-header', `no header of Tardis: ${header.slice(0, 200)}`, { category: 'corrupt', path: this.#file.path })
    if (type === 'trades') return (rows) => this.#trade(rows)
    if (type === 'quotes') return (rows) => this.#quote(rows)
    if (type === 'book_snapshot') {
      this.#depth = (header.split(',').length - 4) / 4
      return (rows) => this.#snapshot(rows)
    }
    return (rows) => this.#level(rows)
  }

  /** Times and symbol of a row; false: they are bad, which was told. */
  #begin(rows: CsvRows): boolean {
    if (!rows.time(3, this.#local) || !rows.time(2, this.#exchangeTime)) {
      this.#bad('time', 'expected times in microseconds')
      return false
    }
    const { bytes, starts, ends, first } = rows
    if (this.#sameSymbol.is(bytes, starts[first]!, ends[first + 1]!)) return true
    this.#sameSymbol.set(bytes, starts[first]!, ends[first + 1]!)
    const exchange = rows.textOf(0)
    const symbol = rows.textOf(1)
    if (exchange === '' || symbol === '') {
      this.#sameSymbol.set(bytes, 0, 0)
      this.#bad('symbol', 'exchange or symbol is empty')
      return false
    }
    const key = `${exchange}\n${symbol}`
    let state = this.#instruments.get(key)
    if (state === undefined) {
      state = new SymbolState(this.#output.instrument(exchange, symbol), this.#output)
      this.#instruments.set(key, state)
    }
    this.#symbol = state
    return true
  }

  #trade(rows: CsvRows): void {
    if (!this.#begin(rows)) return
    const { tally } = this.#output
    const price = rows.double(6, this.#price)
    const size = rows.size(7, this.#size)
    if (Number.isNaN(price) || Number.isNaN(size)) {
      this.#bad('number', NO_NUMBER)
      return
    }
    const { trades } = this.#symbol!.instrument
    const side = rows.letter(5)
    const isSell = side === SELL
    if (!isSell && side !== BUY) {
      if (side !== UNKNOWN && !rows.isEmpty(5)) {
        this.#bad('side', `side: expected buy, sell or unknown, found ${rows.textOf(5)}`)
        return
      }
      tally.note('side-unknown')
    }
    if (!rows.isEmpty(4)) {
      const id = rows.whole(4)
      if (id >= 0) trades.setIdNumber(id)
      else {
        const words = idWords(rows.textOf(4))
        if (words === null) tally.note('id-not-numeric')
        else trades.setId(...words)
      }
    } else tally.note('id-empty')
    if (trades.put(this.#local, this.#exchangeTime, price, size, isSell)) tally.wrote()
    else tally.leave('not asked for')
  }

  #quote(rows: CsvRows): void {
    if (!this.#begin(rows)) return
    const { tally } = this.#output
    const askSize = rows.isEmpty(4) ? 0 : rows.size(4, this.#size)
    const askPrice = this.#priceOr0(rows, 5)
    const bidPrice = this.#priceOr0(rows, 6)
    const bidSize = rows.isEmpty(7) ? 0 : rows.size(7, this.#size)
    if (Number.isNaN(askSize) || Number.isNaN(askPrice) || Number.isNaN(bidPrice) || Number.isNaN(bidSize)) {
      this.#bad('number', NO_NUMBER)
      return
    }
    if (rows.isEmpty(5) || rows.isEmpty(6)) tally.note('side-missing')
    if (this.#symbol!.instrument.ticker.put(this.#local, this.#exchangeTime, bidPrice, bidSize, askPrice, askSize)) tally.wrote()
    else tally.leave('not asked for')
  }

  #priceOr0(rows: CsvRows, field: number): number {
    return rows.isEmpty(field) ? 0 : rows.double(field, this.#price)
  }

  #level(rows: CsvRows): void {
    if (!this.#begin(rows)) return
    const flag = rows.letter(4) | 32
    const side = rows.letter(5) | 32
    if ((flag !== LETTER_T && flag !== LETTER_F) || (side !== LETTER_A && side !== LETTER_B)) {
      this.#bad('side', 'expected true or false, and bid or ask')
      return
    }
    const price = rows.decimal(6, this.#price)
    const size = rows.decimal(7, this.#size)
    if (price === 'out-of-range' || size === 'out-of-range') {
      this.#output.tally.refuse('out-of-range')
      return
    }
    if (price !== 'exact' || size !== 'exact' || this.#size.isNegative) {
      this.#bad('number', NO_NUMBER)
      return
    }
    this.#symbol!.level(this.#local, this.#exchangeTime, flag === LETTER_T, side === LETTER_B, this.#price, this.#size)
  }

  #snapshot(rows: CsvRows): void {
    if (!this.#begin(rows)) return
    const { tally } = this.#output
    const { book } = this.#symbol!.instrument
    book.beginMessage('snapshot', this.#local, this.#exchangeTime)
    for (let level = 0; level < this.#depth; level++) {
      for (let side = 0; side < 2; side++) {
        const at = 4 + 4 * level + 2 * side
        if (rows.isEmpty(at) && rows.isEmpty(at + 1)) continue
        const price = rows.decimal(at, this.#price)
        const size = rows.decimal(at + 1, this.#size)
        if (price === 'out-of-range' || size === 'out-of-range') {
          tally.refuse('out-of-range')
          return
        }
        if (price === 'absent' && size === 'absent') continue
        if (price !== 'exact' || size !== 'exact' || this.#size.isNegative) {
          this.#bad('number', NO_NUMBER)
          return
        }
        if (!book.level(side === 1, this.#price, this.#size)) {
          tally.refuse('negative-price')
          return
        }
      }
    }
    const end = book.end()
    if (end === 'written') {
      book.setDepthLimit(this.#depth)
      tally.wrote()
    } else if (end === 'unwanted') tally.leave('not asked for')
    else tally.refuse('out-of-range')
  }

  #bad(what: string, message: string): void {
    this.#output.tally.bad(what, message, { path: this.#file.path, line: this.#line })
  }
}

/** A symbol of a file: rows of one message have one `local_timestamp` and one `is_snapshot`. */
class SymbolState {
  readonly instrument: InstrumentOutput
  readonly #output: ImportOutput
  readonly #local = new Instant()
  readonly #latest = new Instant()
  #isSnapshot = false
  #rows = 0
  #snapshots = 0

  constructor(instrument: InstrumentOutput, output: ImportOutput) {
    this.instrument = instrument
    this.#output = output
  }

  level(local: Instant, exchange: Instant, isSnapshot: boolean, isBid: boolean, price: Decimal, size: Decimal): void {
    const { book } = this.instrument
    if (this.#rows === 0 || isSnapshot !== this.#isSnapshot || local.low !== this.#local.low || local.high !== this.#local.high) {
      this.endGroup()
      this.#local.copy(local)
      this.#latest.copy(exchange)
      this.#isSnapshot = isSnapshot
      book.beginMessage(isSnapshot ? 'snapshot' : 'diff', local, exchange)
    } else if (this.#latest.isBefore(exchange)) {
      this.#latest.copy(exchange)
      book.setExchangeTime(exchange)
    }
    if (book.level(isBid, price, size)) this.#rows++
    else this.#output.tally.refuse('negative-price')
  }

  /** Writes what was gathered. */
  endGroup(): void {
    const rows = this.#rows
    if (rows === 0) return
    this.#rows = 0
    const { tally } = this.#output
    const { book } = this.instrument
    const end = book.end(true)
    if (end === 'unwanted') tally.leave('not asked for', rows)
    else if (end === 'out-of-range') tally.refuse('out-of-range', rows)
    else {
      tally.wroteSome(book.levels, rows)
      if (this.#isSnapshot && this.#snapshots++ > 0) tally.note('reconnect-snapshots')
    }
  }
}

const NO_NUMBER = 'price or amount is no number, or the amount is negative'
const BUY = 98
const SELL = 115
const UNKNOWN = 117
const LETTER_A = 97
const LETTER_B = 98
const LETTER_F = 102
const LETTER_T = 116
