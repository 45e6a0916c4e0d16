import type { ImportFile } from '../../importer.ts'
import type { ImportOutput } from '../../messages/import-output.ts'
import type { Instant } from '../../messages/instant.ts'
import type { InstrumentOutput } from '../../messages/instrument-output.ts'
import { newYorkMidnight } from '../../messages/new-york-midnight.ts'
import { LevelChanges } from './level-changes.ts'
import { LevelRow } from './level-row.ts'
import { CROSSED, EXECUTED, EXECUTED_HIDDEN, HALTED, MessageRow } from './message-row.ts'
import { NamedOrders } from './named-orders.ts'
import { OrderFeed } from './order-feed.ts'
import { Rows } from './rows.ts'

const PRICES_PER_DOLLAR = 10_000

/** Reads the files of a stock and day in step. */
export class LobsterReader {
  readonly #messageFile: ImportFile
  readonly #orderbookFile: ImportFile | null
  readonly #output: ImportOutput
  readonly #instrument: InstrumentOutput
  readonly #midnight: Instant
  readonly #message: MessageRow
  #levels: LevelRow | null = null
  #changes: LevelChanges | null = null
  #feed: OrderFeed | null = null
  #isFirst = true

  /** @param date of New York */
  constructor(messages: ImportFile, orderbook: ImportFile | null, symbol: string, date: string, output: ImportOutput) {
    this.#messageFile = messages
    this.#orderbookFile = orderbook
    this.#output = output
    this.#instrument = output.instrument('lobster', symbol)
    this.#midnight = newYorkMidnight(date)
    this.#message = new MessageRow(this.#midnight)
  }

  /** @param level books by level from the orderbook file, or by order from the messages */
  async read(level: 'l2' | 'l3'): Promise<void> {
    const { tally } = this.#output
    const orderbook = this.#orderbookFile
    if (orderbook === null) tally.note(level === 'l3' ? 'no orderbook file: the book is approximate' : 'no orderbook file: trades only')
    if (level === 'l3') {
      const named = orderbook === null ? null : await NamedOrders.read(this.#messageFile, new MessageRow(this.#midnight))
      this.#feed = new OrderFeed(this.#instrument.l3, tally, named, this.#message.time)
    }
    const messages = await Rows.open(this.#messageFile)
    const levels = orderbook === null ? null : await Rows.open(orderbook)
    try {
      if (levels !== null) await this.#readBoth(messages, levels)
      else while (await messages.block()) while (messages.next()) this.#step(messages, null)
    } finally {
      await messages.close()
      await levels?.close()
    }
  }

  async #readBoth(messages: Rows, levels: Rows): Promise<void> {
    let [hasMessage, hasLevels] = [false, false]
    for (;;) {
      for (;;) {
        hasMessage ||= messages.next()
        hasLevels ||= levels.next()
        if (!hasMessage || !hasLevels) break
        this.#step(messages, levels)
        hasMessage = false
        hasLevels = false
      }
      if (!hasMessage && !(await messages.block())) break
      if (!hasLevels && !(await levels.block())) break
    }
    // Both end here, or one of them goes on.
    await this.#alone(messages, hasMessage, 'orderbook')
    await this.#alone(levels, hasLevels, 'message')
  }

  /** Rows without one in the other file. */
  async #alone(rows: Rows, isThere: boolean, other: string): Promise<void> {
    const { tally } = this.#output
    let has = isThere
    do {
      for (has ||= rows.next(); has; has = rows.next()) {
        if (this.#isCutShort) tally.leave('cut off')
        else tally.bad('rows', `the ${other} file ends before row ${rows.number}, to which this one belongs`, placeOf(rows))
      }
    } while (await rows.block())
  }

  /** A message, and the book behind it. */
  #step(messages: Rows, levels: Rows | null): void {
    const { tally } = this.#output
    const message = this.#message
    if ((messages.isCut || (levels?.isCut ?? false)) && this.#isCutShort) {
      tally.leave('cut off', levels === null ? 1 : 2)
      return
    }
    const wrong = message.read(messages)
    const isBad = wrong !== null
    if (isBad) tally.bad('message', wrong, placeOf(messages))
    const isShown = levels !== null && this.#readLevels(levels)
    if (!isBad && isShown && this.#isFirst) {
      this.#isFirst = false
      this.#feed?.seed(message, this.#levels!)
    }
    if (!isBad) this.#settleMessage(message, messages.number)
    if (!isShown) return
    // What it shows is told with the next row.
    if (isBad) tally.leave('orderbook row of a bad message')
    else this.#settleLevels(this.#levels!, messages.number)
  }

  /** False: the row is bad, or no book can hold it, which was told. */
  #readLevels(rows: Rows): boolean {
    const { tally } = this.#output
    this.#levels ??= new LevelRow(Math.max(1, Math.floor(rows.fields.count / 4)))
    const wrong = this.#levels.read(rows)
    if (wrong === null) return true
    if (wrong === 'negative-price') tally.refuse(wrong)
    else if (wrong === 'number') tally.bad('number', 'price or size is no whole number', placeOf(rows))
    else tally.bad('columns', `expected ${4 * this.#levels.levels} columns, found ${rows.fields.count}`, placeOf(rows))
    return false
  }

  #settleMessage(message: MessageRow, row: number): void {
    const { tally } = this.#output
    const { type, price } = message
    if (type === HALTED) tally.leave('halt')
    else if (price < 0 && type !== CROSSED) tally.refuse('negative-price')
    else {
      const event = this.#feed === null ? false : this.#feed.message(message, row)
      const isTrade = type >= EXECUTED
      const isWritten = isTrade && this.#trade(message, row)
      if (isWritten || event === true) tally.wrote()
      else if (event === null && !isTrade) tally.refuse('unknown-order')
      else if (this.#feed === null && !isTrade) tally.leave('orders')
      else tally.leave('not asked for')
      if (event === null && isTrade) tally.note('unknown-order')
    }
  }

  #trade({ type, id, size, price, isBuy, time }: MessageRow, row: number): boolean {
    const { trades } = this.#instrument
    trades.setIdNumber(row)
    const isKnown = type === EXECUTED || type === EXECUTED_HIDDEN
    if (isKnown && id > 0) {
      const [low, high] = [id >>> 0, Math.floor(id / 2 ** 32)]
      if (isBuy) trades.setOrders(low, high, 0, 0)
      else trades.setOrders(0, 0, low, high)
    }
    if (!isKnown) this.#output.tally.note('side-unknown')
    return trades.put(time, time, price / PRICES_PER_DOLLAR, size, isKnown && isBuy)
  }

  #settleLevels(levels: LevelRow, row: number): void {
    const { tally } = this.#output
    const { time } = this.#message
    if (this.#feed !== null) {
      if (this.#feed.show(levels, row, time)) tally.wrote()
      else tally.leave('as the messages say')
      return
    }
    this.#changes ??= new LevelChanges(this.#instrument.book, levels.levels)
    const put = this.#changes.put(levels, time, row)
    if (put === 'written') tally.wrote()
    else if (put === 'unchanged') tally.leave('book unchanged')
    else if (put === 'unwanted') tally.leave('not asked for')
    else tally.refuse(put)
  }

  /** A file was kept although its compression ends too early: its last row may be none, and the other file may go on. */
  get #isCutShort(): boolean {
    for (const what in this.#output.tally.counts.noted) if (what.startsWith('files cut short')) return true
    return false
  }
}

function placeOf(rows: Rows): { path: string; line: number } {
  return { path: rows.path, line: rows.line }
}
