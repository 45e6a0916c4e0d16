import { ReplayError } from '../../../errors.ts'
import { CsvFields, SameText } from '../../files/csv-fields.ts'
import { Lines } from '../../files/lines.ts'
import { wholeNumber } from '../../files/whole-number.ts'
import type { ImportFile } from '../../importer.ts'
import type { L2Output } from '../../messages/book-outputs.ts'
import { Decimal } from '../../messages/decimal.ts'
import type { ImportOutput } from '../../messages/import-output.ts'
import { Instant } from '../../messages/instant.ts'
import { binanceVenue, kindOf } from './file-kind.ts'

/** Reads the files of a symbol's depth: snapshots among the updates that follow them, each where its update id belongs. */
export async function readDepth(files: readonly ImportFile[], output: ImportOutput): Promise<void> {
  const opened: DepthFile[] = []
  try {
    for (const file of files) opened.push(await DepthFile.open(file, output))
    const snapshots = opened.filter(({ isSnapshots }) => isSnapshots)
    const updates = opened.filter(({ isSnapshots }) => !isSnapshots)
    if (snapshots.length > 1 || updates.length > 1 || new Set(opened.map(({ symbol }) => symbol)).size > 1) {
      const message = 'expected one file of snapshots and one of updates, of one symbol'
      throw new ReplayError('binance-depth', message, { category: 'input', path: files[0]!.path })
    }
    await new DepthBook(output).read(snapshots[0] ?? null, updates[0] ?? null)
  } finally {
    for (const file of opened) await file.close()
  }
}

/** Joins snapshots and updates. */
class DepthBook {
  readonly #output: ImportOutput
  /** Of the last message written. */
  #last = -1
  /** The last message was a snapshot. */
  #isFresh = false

  constructor(output: ImportOutput) {
    this.#output = output
  }

  async read(snapshots: DepthFile | null, updates: DepthFile | null): Promise<void> {
    const { tally } = this.#output
    if (snapshots === null) tally.note('no snapshot')
    let hasSnapshot = (await snapshots?.peek()) === true
    let hasUpdate = (await updates?.peek()) === true
    let isBefore = snapshots !== null
    while (hasSnapshot || hasUpdate) {
      // An update that ends with the snapshot's id changes nothing behind it, and is kept.
      if (hasSnapshot && (!hasUpdate || isBefore || snapshots!.lastId <= updates!.lastId)) {
        if (hasUpdate && isBefore && updates!.lastId < snapshots!.lastId) {
          tally.leave('before the snapshot', await updates!.skip())
          hasUpdate = await updates!.peek()
          continue
        }
        isBefore = false
        this.#last = snapshots!.lastId
        this.#isFresh = true
        await snapshots!.write()
        hasSnapshot = await snapshots!.peek()
        continue
      }
      this.#check(updates!)
      await updates!.write()
      hasUpdate = await updates!.peek()
    }
  }

  /** Whether the update follows what was written. */
  #check({ firstId, lastId, previousId }: DepthFile): void {
    const [last, isFresh] = [this.#last, this.#isFresh]
    this.#last = lastId
    this.#isFresh = false
    if (last < 0) return
    const follows = isFresh ? firstId <= last + 1 && lastId >= last : previousId >= 0 ? previousId === last : firstId === last + 1
    if (!follows && !(isFresh && previousId === last)) this.#output.tally.note('chain broken')
  }
}

/** Messages of a file: consecutive rows with equal time, first and last update id. */
class DepthFile {
  readonly isSnapshots: boolean
  readonly symbol: string
  /** Of the message that comes next. */
  firstId = 0
  lastId = 0
  previousId = -1
  readonly #file: ImportFile
  readonly #output: ImportOutput
  readonly #lines: Lines
  readonly #book: L2Output
  readonly #columns: number
  /** Where the update ids begin: behind the time, or another id. */
  readonly #idField: number
  readonly #fields = new CsvFields(16)
  readonly #sameSymbol = new SameText()
  readonly #time = new Instant()
  readonly #nextTime = new Instant()
  readonly #price = new Decimal()
  readonly #size = new Decimal()
  /** The row that the lines are at was taken already. */
  #isTaken: boolean

  static async open(file: ImportFile, output: ImportOutput): Promise<DepthFile> {
    const lines = new Lines(await file.open(), file.path)
    const first = (await nextLine(lines)) ? lines.text : ''
    const isHeader = /^symbol,/i.test(first)
    const row = isHeader ? ((await nextLine(lines)) ? lines.text : '') : first
    const kind = kindOf(first, row)
    if (kind === null || (kind.type !== 'depth snapshots' && kind.type !== 'depth updates')) {
      await lines.close()
      const message = `expected the header or a row of Binance's depth, found ${JSON.stringify(first.slice(0, 200))}`
      throw new ReplayError('binance-header', message, { category: 'corrupt', path: file.path })
    }
    return new DepthFile(file, output, lines, row.split(','), kind.type === 'depth snapshots')
  }

  constructor(file: ImportFile, output: ImportOutput, lines: Lines, row: readonly string[], isSnapshots: boolean) {
    this.#file = file
    this.#output = output
    this.#lines = lines
    this.isSnapshots = isSnapshots
    this.#columns = row.length
    this.#idField = /^[ab]$/.test(row[5]!) ? 3 : 2
    this.symbol = row[0]!
    this.#sameSymbol.set(new TextEncoder().encode(this.symbol), 0, Buffer.byteLength(this.symbol))
    this.#book = output.instrument(binanceVenue('futures', this.symbol), this.symbol).book
    this.#isTaken = false
  }

  /** Reads on to the first row of the next message. False: there is none. */
  async peek(): Promise<boolean> {
    if (!(await this.#row())) return false
    const { bytes } = this.#lines
    const { starts, ends } = this.#fields
    const id = this.#idField
    this.firstId = wholeNumber(bytes, starts[id]!, ends[id]!)
    this.lastId = wholeNumber(bytes, starts[id + 1]!, ends[id + 1]!)
    this.previousId = this.#columns > id + 6 ? wholeNumber(bytes, starts[id + 6]!, ends[id + 6]!) : -1
    this.#time.copy(this.#nextTime)
    return true
  }

  /** Passes over the message; how many rows it has. */
  async skip(): Promise<number> {
    let rows = 0
    while (await this.#isOfMessage()) {
      rows++
      this.#isTaken = false
    }
    return rows
  }

  async write(): Promise<void> {
    const book = this.#book
    const { tally } = this.#output
    book.beginMessage(this.isSnapshots ? 'snapshot' : 'diff', this.#time, this.#time, this.lastId)
    if (!this.isSnapshots) book.setUpdateIds(this.firstId, this.lastId, Math.max(0, this.previousId))
    let rows = 0
    while (await this.#isOfMessage()) {
      if (this.#level()) rows++
      this.#isTaken = false
    }
    if (rows === 0) return
    const end = book.end(true)
    if (end === 'unwanted') tally.leave('not asked for', rows)
    else if (end === 'out-of-range') tally.refuse('out-of-range', rows)
    else tally.wroteSome(book.levels, rows)
  }

  async close(): Promise<void> {
    await this.#lines.close()
  }

  /** Moves to the next row that is sound in time, symbol and ids, unless it is there. False: there is none. */
  async #row(): Promise<boolean> {
    // What was read to know the columns is the first row.
    while (this.#isTaken || this.#isFirst || (await nextLine(this.#lines))) {
      if (this.#isTaken) return true
      this.#isFirst = false
      const { bytes, start, end } = this.#lines
      if (start === end) continue
      const count = this.#fields.split(bytes, start, end)
      if (count !== this.#columns) this.#bad('columns', `expected ${this.#columns} columns, found ${count}`)
      else if (this.#begin()) this.#isTaken = true
    }
    return false
  }

  #isFirst = true

  /** Whether the next row is of the message that `peek` found. */
  async #isOfMessage(): Promise<boolean> {
    if (!(await this.#row())) return false
    const { bytes } = this.#lines
    const { starts, ends } = this.#fields
    const id = this.#idField
    return (
      this.#nextTime.low === this.#time.low &&
      this.#nextTime.high === this.#time.high &&
      wholeNumber(bytes, starts[id]!, ends[id]!) === this.firstId &&
      wholeNumber(bytes, starts[id + 1]!, ends[id + 1]!) === this.lastId
    )
  }

  #begin(): boolean {
    const { bytes } = this.#lines
    const { starts, ends } = this.#fields
    const id = this.#idField
    if (!this.#sameSymbol.is(bytes, starts[0]!, ends[0]!))
      return this.#bad('symbol', `expected ${this.symbol}, found ${this.#fields.text(bytes, 0)}`)
    if (!this.#nextTime.parseDigits(bytes, starts[1]!, ends[1]!)) return this.#bad('time', 'expected a time in milliseconds')
    const hasIds = starts[id]! < ends[id]! && starts[id + 1]! < ends[id + 1]!
    if (!hasIds || wholeNumber(bytes, starts[id]!, ends[id]!) < 0 || wholeNumber(bytes, starts[id + 1]!, ends[id + 1]!) < 0)
      return this.#bad('id', 'the update ids are no whole numbers')
    return true
  }

  /** False: the row is settled already. */
  #level(): boolean {
    const { bytes } = this.#lines
    const { starts, ends } = this.#fields
    const { tally } = this.#output
    const at = this.#idField + 2
    const side = bytes[starts[at]!]
    if ((side !== LETTER_A && side !== LETTER_B) || ends[at]! - starts[at]! !== 1) return this.#bad('side', 'expected the side a or b')
    const price = this.#price.parse(bytes, starts[at + 2]!, ends[at + 2]!)
    const size = this.#size.parse(bytes, starts[at + 3]!, ends[at + 3]!)
    if (price === 'out-of-range' || size === 'out-of-range') {
      tally.refuse('out-of-range')
      return false
    }
    if (price !== 'exact' || size !== 'exact' || this.#size.isNegative) return this.#bad('number', 'price or quantity is no number')
    if (this.#book.level(side === LETTER_B, this.#price, this.#size)) return true
    tally.refuse('negative-price')
    return false
  }

  #bad(what: string, message: string): false {
    this.#output.tally.bad(what, message, { path: this.#file.path, line: this.#lines.number })
    return false
  }
}

/** Moves to the next line; false: there is none. */
async function nextLine(lines: Lines): Promise<boolean> {
  while (!lines.next()) if (!(await lines.block())) return false
  return true
}

const LETTER_A = 97
const LETTER_B = 98
