import type { MessageBatch } from '../message/batch.ts'
import { TYPE_BOOK_EVENT } from '../protocol/message-type.ts'
import type { ColumnBuffer } from '../table/column-buffer.ts'
import type { ParquetFile } from '../table/parquet-writer.ts'
import { type BOOK_COLUMNS, BookRows } from './book-rows.ts'

/** Where rows of book events are to be put: columns of a file that may be NULL. */
type BookColumn = (typeof BOOK_COLUMNS)[number] | 'price' | 'qty' | 'buyer_order_id' | 'seller_order_id' | 'exchange_timestamp_ns'

/** Puts a u64 into a column of i64. */
export type PutU64 = (column: ColumnBuffer, row: number, low: number, high: number) => void

/** Fills the columns of book events, a row for each level, a slice of a batch at a time. */
export class BookColumns {
  /** Rows of the batch that the slice's rows are of: as a selection, in which a message is there once for each of its rows. */
  readonly rows: Uint32Array
  /** Which of its message's rows each one is. */
  readonly #lines: Uint32Array
  readonly #book = new BookRows()
  readonly #columns: Readonly<Record<BookColumn, ColumnBuffer>>
  readonly #putU64: PutU64
  /** The next to be given out: a message of the selection, and a row of it. */
  #message = 0
  #line = 0

  constructor(file: ParquetFile, maxRows: number, putU64: PutU64) {
    this.rows = new Uint32Array(maxRows)
    this.#lines = new Uint32Array(maxRows)
    this.#putU64 = putU64
    this.#columns = {
      ...{ event: file.column('event'), side: file.column('side'), level: file.column('level'), order_id: file.column('order_id') },
      ...{ feed_seq: file.column('feed_seq'), price: file.column('price'), qty: file.column('qty') },
      ...{ update_id_first: file.column('update_id_first'), update_id_last: file.column('update_id_last') },
      ...{ buyer_order_id: file.column('buyer_order_id'), seller_order_id: file.column('seller_order_id') },
      exchange_timestamp_ns: file.column('exchange_timestamp_ns'),
    }
  }

  begin(): void {
    this.#message = 0
    this.#line = 0
  }

  /**
   * Lists the next rows of a batch, `most` at most, and says how many; 0: there are none.
   * @throws ReplayError corrupt: what payloads are damaged by
   */
  list(batch: MessageBatch, most: number): number {
    const { rows } = this
    let count = 0
    while (count < most && this.#message < batch.length) {
      const row = batch.rowAt(this.#message)
      const lines = batch.types[row] === TYPE_BOOK_EVENT ? this.#book.wrapMessage(batch.at(row)).count : 1
      const end = Math.min(lines, this.#line + most - count)
      for (let line = this.#line; line < end; line++) {
        rows[count] = row
        this.#lines[count++] = line
      }
      this.#line = end
      if (end === lines) {
        this.#message++
        this.#line = 0
      }
    }
    return count
  }

  /** Fills row `at` of the file with the listed row `i`, of a book event. */
  fill(batch: MessageBatch, i: number, at: number): void {
    const book = this.#book
    const columns = this.#columns
    // Levels of one message come one after the other.
    if (i === 0 || this.#lines[i] === 0) book.wrapMessage(batch.at(this.rows[i]!))
    book.moveTo(this.#lines[i]!)
    const { header, order, diff, side, level } = book
    columns.event.setString(at, book.event)
    if (side !== null) columns.side.setString(at, side)
    if (level >= 0) columns.level.setI32(at, level)
    if (book.priceAt >= 0) columns.price.setF64(at, scaled(header.view, book.priceAt, book.priceScale))
    if (book.sizeAt >= 0) columns.qty.setF64(at, scaled(header.view, book.sizeAt, book.sizeScale))
    this.#putU64(columns.exchange_timestamp_ns, at, header.exchangeTsNsLow, header.exchangeTsNsHigh)
    this.#putGiven(columns.feed_seq, at, header.seqLow, header.seqHigh)
    if (order !== null) {
      this.#putGiven(columns.order_id, at, order.orderIdLow, order.orderIdHigh)
      this.#putGiven(columns.buyer_order_id, at, order.bidOrderIdLow, order.bidOrderIdHigh)
      this.#putGiven(columns.seller_order_id, at, order.askOrderIdLow, order.askOrderIdHigh)
    }
    if (diff !== null) {
      this.#putGiven(columns.update_id_first, at, diff.updateIdFirstLow, diff.updateIdFirstHigh)
      this.#putGiven(columns.update_id_last, at, diff.updateIdLastLow, diff.updateIdLastHigh)
    }
  }

  /** NULL for 0, which says that the feed has none. */
  #putGiven(column: ColumnBuffer, row: number, low: number, high: number): void {
    if (low !== 0 || high !== 0) this.#putU64(column, row, low, high)
  }
}

function scaled(view: DataView, at: number, scale: number): number {
  return (view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true)) / 10 ** scale
}
