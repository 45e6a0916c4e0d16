import { ReplayError } from '../../errors.ts'
import { CsvFields, SameText } from '../files/csv-fields.ts'
import { Lines } from '../files/lines.ts'
import { idWords, wholeNumber } from '../files/whole-number.ts'
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

function recognisedBy({ name }: FileGlance, holds: string): Recognised {
  const found = FILE_NAME.exec(name)?.groups
  if (found === undefined) return { holds, unit: name }
  // Days are apart: each file begins with a snapshot.
  return { holds, unit: name, venue: found.exchange!, symbols: [found.symbol!], dates: [found.date!] }
}

type RowReader = (bytes: Uint8Array, fields: CsvFields) => void

/** Reads one file. Rows of symbols may be mixed. */
class TardisReader {
  readonly #file: ImportFile
  readonly #output: ImportOutput
  readonly #fields = new CsvFields(160)
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
    const lines = new Lines(await this.#file.open(), this.#file.path)
    const fields = this.#fields
    let readRow: RowReader | null = null
    let columns = 0
    while (await lines.block()) {
      while (lines.next()) {
        this.#line = lines.number
        if (readRow === null) {
          const header = lines.text
          readRow = this.#rowReader(header)
          columns = header.split(',').length
          continue
        }
        if (lines.end === lines.start) continue
        const count = fields.split(lines.bytes, lines.start, lines.end)
        if (count !== columns) this.#bad('columns', `expected ${columns} columns, found ${count}`)
        else readRow(lines.bytes, fields)
      }
    }
    for (const state of this.#instruments.values()) state.endGroup()
  }

  #rowReader(header: string): RowReader {
    const type = header.startsWith(BEGIN) ? typeOf(header) : null
    if (type === null)
      throw new ReplayError('import-header', `no header of Tardis: ${header.slice(0, 200)}`, { category: 'corrupt', path: this.#file.path })
    if (type === 'trades') return (bytes, fields) => this.#trade(bytes, fields)
    if (type === 'quotes') return (bytes, fields) => this.#quote(bytes, fields)
    if (type === 'book_snapshot') {
      this.#depth = (header.split(',').length - 4) / 4
      return (bytes, fields) => this.#snapshot(bytes, fields)
    }
    return (bytes, fields) => this.#level(bytes, fields)
  }

  /** Times and symbol of a row; false: they are bad, which was told. */
  #begin(bytes: Uint8Array, { starts, ends }: CsvFields): boolean {
    if (!this.#local.parseDigits(bytes, starts[3]!, ends[3]!) || !this.#exchangeTime.parseDigits(bytes, starts[2]!, ends[2]!)) {
      this.#bad('time', 'expected times in microseconds')
      return false
    }
    if (this.#sameSymbol.is(bytes, starts[0]!, ends[1]!)) return true
    this.#sameSymbol.set(bytes, starts[0]!, ends[1]!)
    const exchange = this.#fields.text(bytes, 0)
    const symbol = this.#fields.text(bytes, 1)
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

  #trade(bytes: Uint8Array, fields: CsvFields): void {
    if (!this.#begin(bytes, fields)) return
    const { starts, ends } = fields
    const { tally } = this.#output
    const price = this.#price.double(bytes, starts[6]!, ends[6]!)
    const size = this.#size.double(bytes, starts[7]!, ends[7]!)
    if (Number.isNaN(price) || Number.isNaN(size)) {
      this.#bad('number', 'price or amount is no number')
      return
    }
    const { trades } = this.#symbol!.instrument
    const side = bytes[starts[5]!]
    const isSell = side === SELL
    if (!isSell && side !== BUY) {
      if (side !== UNKNOWN && starts[5] !== ends[5]) {
        this.#bad('side', `side: expected buy, sell or unknown, found ${fields.text(bytes, 5)}`)
        return
      }
      tally.note('side-unknown')
    }
    if (!fields.isEmpty(4)) {
      const id = wholeNumber(bytes, starts[4]!, ends[4]!)
      if (id >= 0) trades.setIdNumber(id)
      else {
        const words = idWords(fields.text(bytes, 4))
        if (words === null) tally.note('id-not-numeric')
        else trades.setId(...words)
      }
    } else tally.note('id-empty')
    if (trades.put(this.#local, this.#exchangeTime, price, size, isSell)) tally.wrote()
    else tally.leave('not asked for')
  }

  #quote(bytes: Uint8Array, fields: CsvFields): void {
    if (!this.#begin(bytes, fields)) return
    const { starts, ends } = fields
    const { tally } = this.#output
    const askSize = this.#side(bytes, starts[4]!, ends[4]!)
    const askPrice = this.#side(bytes, starts[5]!, ends[5]!)
    const bidPrice = this.#side(bytes, starts[6]!, ends[6]!)
    const bidSize = this.#side(bytes, starts[7]!, ends[7]!)
    if (Number.isNaN(askSize) || Number.isNaN(askPrice) || Number.isNaN(bidPrice) || Number.isNaN(bidSize)) {
      this.#bad('number', 'price or amount is no number')
      return
    }
    if (fields.isEmpty(5) || fields.isEmpty(6)) tally.note('side-missing')
    if (this.#symbol!.instrument.ticker.put(this.#local, this.#exchangeTime, bidPrice, bidSize, askPrice, askSize)) tally.wrote()
    else tally.leave('not asked for')
  }

  /** 0 where it is empty. */
  #side(bytes: Uint8Array, start: number, end: number): number {
    return start === end ? 0 : this.#price.double(bytes, start, end)
  }

  #level(bytes: Uint8Array, fields: CsvFields): void {
    if (!this.#begin(bytes, fields)) return
    const { starts, ends } = fields
    const flag = bytes[starts[4]!]! | 32
    const side = bytes[starts[5]!]! | 32
    if ((flag !== LETTER_T && flag !== LETTER_F) || (side !== LETTER_A && side !== LETTER_B)) {
      this.#bad('side', 'expected true or false, and bid or ask')
      return
    }
    const price = this.#price.parse(bytes, starts[6]!, ends[6]!)
    const size = this.#size.parse(bytes, starts[7]!, ends[7]!)
    if (price === 'out-of-range' || size === 'out-of-range') {
      this.#output.tally.refuse('out-of-range')
      return
    }
    if (price !== 'exact' || size !== 'exact') {
      this.#bad('number', 'price or amount is no number')
      return
    }
    if (this.#size.isNegative) {
      this.#bad('number', 'the amount is negative')
      return
    }
    this.#symbol!.level(this.#local, this.#exchangeTime, flag === LETTER_T, side === LETTER_B, this.#price, this.#size)
  }

  #snapshot(bytes: Uint8Array, fields: CsvFields): void {
    if (!this.#begin(bytes, fields)) return
    const { starts, ends } = fields
    const { tally } = this.#output
    const { book } = this.#symbol!.instrument
    book.beginMessage('snapshot', this.#local, this.#exchangeTime)
    for (let level = 0; level < this.#depth; level++) {
      for (let side = 0; side < 2; side++) {
        const at = 4 + 4 * level + 2 * side
        if (fields.isEmpty(at) && fields.isEmpty(at + 1)) continue
        const price = this.#price.parse(bytes, starts[at]!, ends[at]!)
        const size = this.#size.parse(bytes, starts[at + 1]!, ends[at + 1]!)
        if (price === 'out-of-range' || size === 'out-of-range') {
          tally.refuse('out-of-range')
          return
        }
        if (price === 'absent' && size === 'absent') continue
        if (price !== 'exact' || size !== 'exact') {
          this.#bad('number', 'price or amount is no number')
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
    const end = this.instrument.book.end()
    if (end === 'unwanted') tally.leave('not asked for', rows)
    else if (end === 'out-of-range') tally.refuse('out-of-range', rows)
    else {
      tally.wrote(rows)
      if (this.#isSnapshot && this.#snapshots++ > 0) tally.note('reconnect-snapshots')
    }
  }
}

const BUY = 98
const SELL = 115
const UNKNOWN = 117
const LETTER_A = 97
const LETTER_B = 98
const LETTER_F = 102
const LETTER_T = 116
