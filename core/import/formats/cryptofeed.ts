import { Lines } from '../files/lines.ts'
import { defineImporter, type ImportFile } from '../importer.ts'
import type { ImportOutput } from '../messages/import-output.ts'
import { BinanceMessages } from './recorder/binance-messages.ts'
import { feedFile } from './recorder/feed-file.ts'
import { KrakenMessages } from './recorder/kraken-messages.ts'
import { OkxMessages } from './recorder/okx-messages.ts'
import { RecordedRow } from './recorder/recorded-row.ts'
import { haveTrades } from './recorder/trade-search.ts'

/**
 * Raw recordings of cryptofeed, in the order of receipt: `<seconds>: <message>`, `<url> <-> <seconds>` for a connect,
 * `<url> <- <seconds>: <text>` for what was sent, `<url> -> <seconds>: <body>` for what was fetched, `configuration: <JSON>`.
 */
export const cryptofeed = defineImporter({
  name: 'cryptofeed',
  title: 'cryptofeed raw recordings',
  recognise: (file) => feedFile(file),
  async read(files, output) {
    await new FeedReader(files, output).read()
  },
})

/** Takes the messages of one exchange. */
interface FeedMessages {
  /** False: it has to be known first whether the recording has trades one by one. */
  take(bytes: Uint8Array, start: number, end: number): boolean
  connect(): void
  /** What was fetched from a URL; false: it is not asked for. */
  fetched(url: string, bytes: Uint8Array, start: number, end: number): boolean
  setTrades(hasTrades: boolean): void
  finish(): void
}

/** Reads the files of a connection, or of all connections where they need each other. */
class FeedReader {
  readonly #files: readonly ImportFile[]
  readonly #row: RecordedRow
  readonly #messages: FeedMessages
  /** Whether the line before was fetched: bodies may have several lines. */
  #isInBody = false
  #connects = 0

  constructor(files: readonly ImportFile[], output: ImportOutput) {
    this.#files = files
    this.#row = new RecordedRow(output.tally)
    this.#messages = messagesOf(files[0]!.holds.split(' ')[0]!, output, this.#row)
  }

  async read(): Promise<void> {
    for (const file of this.#files) await this.#readFile(file)
    this.#messages.finish()
  }

  async #readFile(file: ImportFile): Promise<void> {
    const lines = new Lines(await file.open(), file.path)
    const row = this.#row
    row.path = file.path
    this.#isInBody = false
    while (await lines.block()) {
      while (lines.next()) {
        const { bytes, start, end } = lines
        if (start === end) continue
        row.line = lines.number
        row.isCut = lines.isCut
        if (!isDigit(bytes[start]!)) {
          this.#takeOther(lines)
          continue
        }
        const colon = bytes.indexOf(COLON, start)
        if (colon < 0 || colon + 1 >= end || bytes[colon + 1] !== BLANK || !row.received.parseSeconds(bytes, start, colon)) {
          this.#bad()
          continue
        }
        this.#isInBody = false
        if (this.#messages.take(bytes, colon + 2, end)) continue
        this.#messages.setTrades(await haveTrades(this.#files))
        this.#messages.take(bytes, colon + 2, end)
      }
    }
  }

  /** A line that is no message of the exchange. */
  #takeOther(lines: Lines): void {
    const { bytes, start, end } = lines
    const { tally, received } = this.#row
    if (startsWith(bytes, start, end, CONFIGURATION)) {
      this.#isInBody = false
      tally.leave('configuration')
      return
    }
    const blank = bytes.indexOf(BLANK, start)
    const arrow = blank < 0 || blank >= end ? null : (ARROWS.find(([, text]) => startsWith(bytes, blank, end, text)) ?? null)
    if (arrow === null) {
      this.#bad()
      return
    }
    const [kind, text] = arrow
    const from = blank + text.length
    const colon = bytes.indexOf(COLON, from)
    const to = kind === 'connects' || colon < 0 || colon > end ? end : colon
    if (!received.parseSeconds(bytes, from, to)) {
      this.#bad()
      return
    }
    this.#isInBody = kind === 'fetched'
    if (kind === 'connects') {
      if (this.#connects++ > 0) tally.note('reconnects')
      this.#messages.connect()
    }
    const url = kind === 'fetched' ? decode(bytes, start, blank) : ''
    if (kind !== 'fetched' || !this.#messages.fetched(url, bytes, to + 2, endOfBody(bytes, to + 2, end))) tally.leave(kind)
  }

  /** A line that has none of the forms. */
  #bad(): void {
    if (this.#isInBody) this.#row.tally.leave('fetched')
    else this.#row.bad('line', 'expected a time and a message, or a URL and what was sent to it or fetched from it')
  }
}

function messagesOf(venue: string, output: ImportOutput, row: RecordedRow): FeedMessages {
  if (venue.startsWith('binance')) return new BinanceFeed(venue, output, row)
  const messages = venue === 'kraken' ? new KrakenMessages(output, row) : new OkxMessages(output, row)
  return {
    take: (bytes, start, end) => {
      messages.take(bytes, start, end)
      return true
    },
    connect: () => messages.connect(),
    fetched: () => false,
    setTrades: () => undefined,
    finish: () => undefined,
  }
}

/** Snapshots are fetched, and mostly lie in a file of their own. */
class BinanceFeed implements FeedMessages {
  readonly #messages: BinanceMessages

  constructor(venue: string, output: ImportOutput, row: RecordedRow) {
    const isFutures = venue === 'binance-usdm' || venue === 'binance-coinm'
    this.#messages = new BinanceMessages(venue, isFutures, output, row)
  }

  take(bytes: Uint8Array, start: number, end: number): boolean {
    return this.#messages.take(bytes, start, end, null) === 'settled'
  }

  /** The ids of the diffs say whether anything is missing. */
  connect(): void {}

  fetched(url: string, bytes: Uint8Array, start: number, end: number): boolean {
    if (!/\/depth\?/.test(url)) return false
    this.#messages.takeLater(bytes, start, end, /[?&]symbol=([^&]+)/.exec(url)?.[1] ?? null)
    return true
  }

  setTrades(hasTrades: boolean): void {
    this.#messages.hasTrades = hasTrades
  }

  finish(): void {
    this.#messages.finish()
  }
}

/** Behind the body may stand ` header: {…}`. */
function endOfBody(bytes: Uint8Array, start: number, end: number): number {
  for (let at = end - HEADER.length; at > start; at--) if (bytes[at] === BLANK && startsWith(bytes, at, end, HEADER)) return at
  return end
}

function startsWith(bytes: Uint8Array, start: number, end: number, text: Uint8Array): boolean {
  if (start + text.length > end) return false
  for (let i = 0; i < text.length; i++) if (bytes[start + i] !== text[i]) return false
  return true
}

function isDigit(byte: number): boolean {
  return byte >= 48 && byte <= 57
}

function decode(bytes: Uint8Array, start: number, end: number): string {
  return new TextDecoder().decode(bytes.subarray(start, end))
}

const BLANK = 32
const COLON = 58
const ENCODER = new TextEncoder()
const CONFIGURATION = ENCODER.encode('configuration: ')
const HEADER = ENCODER.encode(' header: {')
const ARROWS: readonly (readonly [kind: 'connects' | 'sent' | 'fetched', text: Uint8Array])[] = [
  ['connects', ENCODER.encode(' <-> ')],
  ['sent', ENCODER.encode(' <- ')],
  ['fetched', ENCODER.encode(' -> ')],
]
