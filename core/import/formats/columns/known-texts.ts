import { SameText } from '../../files/csv-fields.ts'

/** Texts that are remembered; others are looked up each time. */
const MAX_REMEMBERED = 16

/** What the few texts of a column mean, found without a new string per row. */
export class KnownTexts<T> {
  readonly #meanings: ReadonlyMap<string, T>
  readonly #others: T
  readonly #seen: SameText[] = []
  readonly #seenMeanings: T[] = []

  /** @param meanings by text, in lower case @param others of all other texts */
  constructor(meanings: ReadonlyMap<string, T>, others: T) {
    this.#meanings = meanings
    this.#others = others
  }

  of(bytes: Uint8Array, start: number, end: number): T {
    const seen = this.#seen
    for (let i = 0; i < seen.length; i++) if (seen[i]!.is(bytes, start, end)) return this.#seenMeanings[i]!
    const meaning = this.#meanings.get(UTF8.decode(bytes.subarray(start, end)).trim().toLowerCase()) ?? this.#others
    if (seen.length < MAX_REMEMBERED && start < end) {
      const text = new SameText()
      text.set(bytes, start, end)
      seen.push(text)
      this.#seenMeanings.push(meaning)
    }
    return meaning
  }
}

export type Side = 'buy' | 'sell' | 'unknown' | 'bad'

/** @param buy texts in place of the usual ones */
export function sideTexts(buy: readonly string[], sell: readonly string[]): KnownTexts<Side> {
  const own = buy.length + sell.length > 0
  const [buys, sells] = own ? [buy, sell] : [BUY, SELL]
  const meanings = new Map<string, Side>(UNKNOWN.map((text) => [text, 'unknown']))
  for (const text of buys) meanings.set(text.toLowerCase(), 'buy')
  for (const text of sells) meanings.set(text.toLowerCase(), 'sell')
  return new KnownTexts<Side>(meanings, 'bad')
}

export type Flag = 'yes' | 'no' | 'bad'

/** @param yes texts in place of the usual ones; all others mean no then */
export function flagTexts(yes: readonly string[] = []): KnownTexts<Flag> {
  if (yes.length > 0) return new KnownTexts<Flag>(new Map(yes.map((text) => [text.toLowerCase(), 'yes'])), 'no')
  const meanings = new Map<string, Flag>([...YES.map((text) => [text, 'yes'] as const), ...NO.map((text) => [text, 'no'] as const)])
  return new KnownTexts<Flag>(meanings, 'bad')
}

const BUY = ['buy', 'b', 'bid', 'bids', 'buyer']
const SELL = ['sell', 's', 'a', 'ask', 'asks', 'offer', 'seller']
const UNKNOWN = ['', 'unknown', 'none', 'n', 'null']
const YES = ['true', 't', '1', 'yes', 'y', 'snapshot', 'snap', 'partial']
const NO = ['false', 'f', '0', 'no', 'n', '', 'update', 'delta', 'diff', 'set', 'incremental']
const UTF8 = new TextDecoder()
