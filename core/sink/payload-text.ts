import type { MessageCursor } from '../message/message.ts'
import { BookTickerView } from '../protocol/book-ticker.ts'
import { TYPE_BOOK_EVENT, TYPE_BOOK_TICKER, TYPE_TRADE } from '../protocol/message-type.ts'
import { TradeView } from '../protocol/trade.ts'
import { BookRows } from './book-rows.ts'
import { putScaled } from './decimal-text.ts'

/** What payloads say, in some words for people: `diff bid 61800.1 × 0.5, ask 61800.3 × 0, 12 more`. */
export class PayloadText {
  readonly #trade = new TradeView()
  readonly #ticker = new BookTickerView()
  readonly #book = new BookRows()

  /** `''` where it is of no type that is known. @throws ReplayError corrupt: what payloads are damaged by */
  of(message: MessageCursor): string {
    if (message.typeId === TYPE_BOOK_EVENT) return this.#bookText(message)
    if (message.typeId === TYPE_BOOK_TICKER) {
      const { bidPrice, bidQuantity, askPrice, askQuantity } = this.#ticker.wrapMessage(message)
      return `bid ${bidPrice} × ${bidQuantity}, ask ${askPrice} × ${askQuantity}`
    }
    if (message.typeId !== TYPE_TRADE) return ''
    const { isBuyerMaker, price, quantity, tradeId } = this.#trade.wrapMessage(message)
    return `${isBuyerMaker ? 'sell' : 'buy'} ${price} × ${quantity}, trade ${tradeId}`
  }

  #bookText(message: MessageCursor): string {
    const book = this.#book.wrapMessage(message)
    const shown = Math.min(book.count, MAX_LEVELS)
    const rows: string[] = []
    for (let row = 0; row < shown; row++) {
      book.moveTo(row)
      rows.push(rowText(book))
    }
    if (book.count > shown) rows.push(`${book.count - shown} more`)
    return `${book.event} ${rows.join(', ')}`.trimEnd()
  }
}

function rowText({ side, priceAt, priceScale, sizeAt, sizeScale, header: { view }, order }: BookRows): string {
  const words = [
    ...(side === null ? [] : [side]),
    ...(priceAt < 0 ? [] : [scaledText(view, priceAt, priceScale)]),
    ...(sizeAt < 0 ? [] : [`× ${scaledText(view, sizeAt, sizeScale)}`]),
  ]
  if (order === null) return words.join(' ')
  const ids = [order.orderId, order.bidOrderId, order.askOrderId].filter((id) => id !== 0n)
  return [...words, ...(ids.length === 0 ? [] : [`order ${ids.join(', ')}`])].join(' ')
}

function scaledText(view: DataView, at: number, scale: number): string {
  const end = putScaled(TEXT, 0, view.getUint32(at + 4, true), view.getUint32(at, true), scale)
  return Buffer.from(TEXT.buffer, 0, end).toString('latin1')
}

const MAX_LEVELS = 4
const TEXT = new DataView(new ArrayBuffer(300))
