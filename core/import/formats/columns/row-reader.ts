import { CsvFields, SameText } from '../../files/csv-fields.ts'
import { Lines } from '../../files/lines.ts'
import { idWords, wholeNumber } from '../../files/whole-number.ts'
import type { ImportFile } from '../../importer.ts'
import { Decimal } from '../../messages/decimal.ts'
import type { ImportOutput } from '../../messages/import-output.ts'
import { Instant } from '../../messages/instant.ts'
import type { InstrumentOutput } from '../../messages/instrument-output.ts'
import { flagTexts, sideTexts } from './known-texts.ts'
import { LevelGroup } from './level-group.ts'
import { type ColumnMapping, type ColumnRole, listOf } from './mapping.ts'
import type { TableSource } from './table-source.ts'
import { TimeText } from './time-text.ts'

/** Puts the rows of a table as its mapping says. */
export async function readRows(source: TableSource, mapping: ColumnMapping, file: ImportFile, output: ImportOutput): Promise<void> {
  await new RowReader(source, mapping, file, output).read()
}

/** Nothing is known of a column. */
const NONE = -1

class RowReader {
  readonly #source: TableSource
  readonly #mapping: ColumnMapping
  readonly #file: ImportFile
  readonly #output: ImportOutput
  readonly #fields: CsvFields
  readonly #field: (role: ColumnRole) => number
  readonly #times: TimeText
  readonly #received = new Instant()
  readonly #exchange = new Instant()
  readonly #price = new Decimal()
  readonly #size = new Decimal()
  readonly #sides: ReturnType<typeof sideTexts>
  readonly #groups = new Map<string, LevelGroup>()
  readonly #sameName = new SameText()
  #group: LevelGroup | null = null
  #instrument: InstrumentOutput | null = null
  #bytes: Uint8Array = new Uint8Array(0)
  #row = 0
  #line = 0

  constructor(source: TableSource, mapping: ColumnMapping, file: ImportFile, output: ImportOutput) {
    this.#source = source
    this.#mapping = mapping
    this.#file = file
    this.#output = output
    this.#fields = new CsvFields(source.roles.length + mapping.message.length)
    this.#field = (role) => source.roles.indexOf(role)
    this.#times = new TimeText(mapping.timeUnit)
    this.#sides = sideTexts(listOf(mapping.words.buy), listOf(mapping.words.sell))
  }

  async read(): Promise<void> {
    const { rejected, linesBefore } = this.#source
    const { tally } = this.#output
    for (const { line, message } of rejected) tally.bad('columns', message, { path: this.#file.path, line })
    const [readRow, fields] = [this.#rowReader(), this.#fields]
    const [timeAt, exchangeAt] = [this.#field('time'), this.#field('exchange-time')]
    const lines = new Lines(this.#source.open(), this.#file.path)
    this.#line = linesBefore ?? 0
    let skipped = 0
    while (await lines.block()) {
      while (lines.next()) {
        this.#row = lines.number
        this.#line++
        for (; skipped < rejected.length && rejected[skipped]!.line <= this.#line; skipped++) this.#line++
        this.#bytes = lines.bytes
        fields.split(lines.bytes, lines.start, lines.end)
        if (!this.#parseTime(timeAt, this.#received)) this.#bad('time', this.#timeMessage(timeAt))
        else if (exchangeAt !== NONE && !this.#parseTime(exchangeAt, this.#exchange)) this.#bad('time', this.#timeMessage(exchangeAt))
        else if (this.#name()) {
          if (exchangeAt === NONE) this.#exchange.copy(this.#received)
          readRow()
        }
      }
    }
    for (const group of this.#groups.values()) group.end()
  }

  #rowReader(): () => void {
    const { stream } = this.#mapping
    if (stream === 'trades') return this.#tradeReader()
    return stream === 'ticker' ? this.#tickerReader() : this.#levelReader()
  }

  #tradeReader(): () => void {
    const [priceAt, sizeAt, sideAt, idAt] = [this.#field('price'), this.#field('size'), this.#field('side'), this.#field('id')]
    const { tally } = this.#output
    const { starts, ends } = this.#fields
    return () => {
      const bytes = this.#bytes
      const price = this.#price.double(bytes, starts[priceAt]!, ends[priceAt]!)
      const size = this.#size.size(bytes, starts[sizeAt]!, ends[sizeAt]!)
      if (Number.isNaN(price) || Number.isNaN(size)) {
        this.#bad('number', `price or size is no number: ${this.#text(priceAt)}, ${this.#text(sizeAt)}`)
        return
      }
      const side = sideAt === NONE ? 'unknown' : this.#sides.of(bytes, starts[sideAt]!, ends[sideAt]!)
      if (side === 'bad') {
        this.#bad('side', `side: found ${this.#text(sideAt)}; say what it means, e.g. buy=B sell=S`)
        return
      }
      if (side === 'unknown') tally.note('side-unknown')
      const { trades } = this.#instrument!
      if (idAt !== NONE) this.#setId(idAt)
      if (trades.put(this.#received, this.#exchange, price, size, side === 'sell')) tally.wrote()
      else tally.leave('not asked for')
    }
  }

  #setId(at: number): void {
    const { tally } = this.#output
    const { trades } = this.#instrument!
    const { starts, ends } = this.#fields
    if (this.#fields.isEmpty(at)) {
      tally.note('id-empty')
      return
    }
    const id = wholeNumber(this.#bytes, starts[at]!, ends[at]!)
    if (id >= 0) {
      trades.setIdNumber(id)
      return
    }
    const words = idWords(this.#text(at))
    if (words === null) tally.note('id-not-numeric')
    else trades.setId(...words)
  }

  #tickerReader(): () => void {
    const roles = ['bid-price', 'bid-size', 'ask-price', 'ask-size'] as const
    const places = roles.map((role) => this.#field(role))
    const [bidAt, , askAt] = places as [number, number, number]
    const values = [0, 0, 0, 0]
    const { tally } = this.#output
    return () => {
      for (let i = 0; i < 4; i++) {
        values[i] = this.#optional(places[i]!)
        if (Number.isFinite(values[i]) && (i % 2 === 0 || values[i]! >= 0)) continue
        this.#bad('number', `${roles[i]} is no number: ${this.#text(places[i]!)}`)
        return
      }
      if (this.#fields.isEmpty(bidAt) || this.#fields.isEmpty(askAt)) tally.note('side-missing')
      const { ticker } = this.#instrument!
      if (ticker.put(this.#received, this.#exchange, values[0]!, values[1]!, values[2]!, values[3]!)) tally.wrote()
      else tally.leave('not asked for')
    }
  }

  /** 0 where it is empty, or there is no such column. */
  #optional(at: number): number {
    if (at === NONE || this.#fields.isEmpty(at)) return 0
    return this.#price.double(this.#bytes, this.#fields.starts[at]!, this.#fields.ends[at]!)
  }

  #levelReader(): () => void {
    const { stream, words } = this.#mapping
    const [snapshotAt, lastAt] = [this.#field('snapshot'), this.#field('last')]
    const [snapshots, lasts] = [flagTexts(listOf(words['snapshot-is'])), flagTexts()]
    const putLevel = this.#levelPutter()
    const { starts, ends } = this.#fields
    const always = stream === 'snapshots' ? 'yes' : 'no'
    return () => {
      const isSnapshot = snapshotAt === NONE ? always : snapshots.of(this.#bytes, starts[snapshotAt]!, ends[snapshotAt]!)
      const isLast = lastAt === NONE ? 'no' : lasts.of(this.#bytes, starts[lastAt]!, ends[lastAt]!)
      if (isSnapshot === 'bad' || isLast === 'bad') {
        const found = this.#text(isLast === 'bad' ? lastAt : snapshotAt)
        this.#bad('flag', `expected true or false, found ${found}; snapshot-is= says what means a snapshot`)
      } else putLevel(isSnapshot === 'yes')
      if (isLast === 'yes') this.#group!.end()
    }
  }

  #levelPutter(): (isSnapshot: boolean) => void {
    const [priceAt, sizeAt, sideAt] = [this.#field('price'), this.#field('size'), this.#field('side')]
    const idPlaces = (['first-update-id', 'update-id', 'previous-update-id'] as const).map((role) => this.#field(role))
    const [keyAt, keyEnd] = this.#keyFields()
    const ids: [number, number, number] = [0, 0, 0]
    const { starts, ends } = this.#fields
    const { tally } = this.#output
    return (isSnapshot) => {
      const bytes = this.#bytes
      const side = this.#sides.of(bytes, starts[sideAt]!, ends[sideAt]!)
      if (side === 'bad' || side === 'unknown') {
        this.#bad('side', `side: found ${this.#text(sideAt)}; say what it means, e.g. buy=B sell=A`)
        return
      }
      for (let i = 0; i < 3; i++) {
        const at = idPlaces[i]!
        ids[i] = at === NONE || this.#fields.isEmpty(at) ? 0 : wholeNumber(bytes, starts[at]!, ends[at]!)
        if (ids[i]! >= 0) continue
        this.#bad('id', `the update id is no whole number: ${this.#text(at)}`)
        return
      }
      const price = this.#price.parse(bytes, starts[priceAt]!, ends[priceAt]!)
      const size = this.#size.parse(bytes, starts[sizeAt]!, ends[sizeAt]!)
      if (price === 'out-of-range' || size === 'out-of-range') {
        tally.refuse('out-of-range')
        return
      }
      if (price !== 'exact' || size !== 'exact' || this.#size.isNegative) {
        this.#bad('number', `price or size is no number: ${this.#text(priceAt)}, ${this.#text(sizeAt)}`)
        return
      }
      const group = this.#group!
      const [keyStart, keyStop] = keyAt === NONE ? [0, 0] : [starts[keyAt]!, ends[keyEnd]!]
      group.begin(bytes, keyStart, keyStop, isSnapshot, this.#received, this.#exchange, ids[1])
      group.setUpdateIds(...ids)
      group.level(side === 'buy', this.#price, this.#size)
    }
  }

  /** First and last of the fields, side by side, that are equal in the rows of a message. */
  #keyFields(): [first: number, last: number] {
    const { message } = this.#mapping
    const { roles } = this.#source
    if (message.length > 0) return [roles.length, roles.length + message.length - 1]
    if (this.#field('last') !== NONE) return [NONE, NONE]
    const time = this.#field('time')
    return [this.#field('update-id') === NONE ? time : this.#field('update-id'), time]
  }

  #parseTime(at: number, into: Instant): boolean {
    return this.#times.parse(this.#bytes, this.#fields.starts[at]!, this.#fields.ends[at]!, into)
  }

  #timeMessage(at: number): string {
    const { timeUnit } = this.#mapping
    const expected = timeUnit === null ? 'a time of 10, 13, 16 or 19 digits, or ISO 8601' : `a time in ${timeUnit}`
    return `expected ${expected}, found ${this.#text(at)}${timeUnit === null ? '; time-unit= says what it is' : ''}`
  }

  /** Settles of what instrument the row is. False: it is bad, which was told. */
  #name(): boolean {
    const { words, depth } = this.#mapping
    const { starts, ends } = this.#fields
    const [venueAt, symbolAt] = [this.#field('venue-column'), this.#field('symbol-column')]
    const hasColumn = venueAt !== NONE || symbolAt !== NONE
    // They come first of all columns.
    const end = venueAt !== NONE && symbolAt !== NONE ? ends[1]! : ends[0]!
    if (this.#instrument !== null && (!hasColumn || this.#sameName.is(this.#bytes, starts[0]!, end))) return true
    const venue = words.venue ?? decodeURIComponent(this.#text(venueAt))
    const symbol = words.symbol ?? decodeURIComponent(this.#text(symbolAt))
    this.#instrument = null
    if (venue === '' || symbol === '') {
      this.#bad('symbol', 'venue or symbol is empty')
      return false
    }
    this.#sameName.set(this.#bytes, starts[0]!, end)
    this.#instrument = this.#output.instrument(venue, symbol)
    const key = `${venue}\n${symbol}`
    this.#group = this.#groups.get(key) ?? new LevelGroup(this.#instrument.book, this.#output, depth)
    this.#groups.set(key, this.#group)
    return true
  }

  #text(at: number): string {
    return this.#fields.text(this.#bytes, at)
  }

  #bad(what: string, message: string): void {
    const { path } = this.#file
    if (this.#source.linesBefore === null) this.#output.tally.bad(what, `row ${this.#row}: ${message}`, { path })
    else this.#output.tally.bad(what, message, { path, line: this.#line })
  }
}
