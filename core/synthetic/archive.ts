import fs from 'node:fs'
import path from 'node:path'
import { ReplayError } from '../errors.ts'
import { type KnownOptions, requireOptions } from '../known-options.ts'
import { type MetaFacts, StreamLogs } from './stream-logs.ts'
import { STREAM_BOOK, STREAM_TICKER, STREAM_TRADES, type SyntheticGap } from './synthetic-feed.ts'
import {
  createSyntheticSymbol,
  MAX_SYNTHETIC_SYMBOLS,
  SYNTHETIC_VENUE,
  type SyntheticSymbol,
  type SyntheticSymbolOptions,
} from './synthetic-symbol.ts'

/** What to generate; the rest of the options is per symbol. Same options, same bytes. */
export interface GenerateOptions extends Omit<SyntheticSymbolOptions, 'index'> {
  /** Number of symbols. */
  readonly symbols: number
  /** Messages per symbol in total, over days and streams. */
  readonly messages: number
  /** Update-id gaps in the whole archive. @default 0 */
  readonly gaps?: number
  /** @default a power of two that gives each log about 8 segments, from 64 KiB to 128 MiB */
  readonly segmentBytes?: number
  /** Hears of the messages written so far, now and then. */
  readonly onProgress?: (messages: number) => void
}

export interface GenerateResult {
  readonly messages: number
  /** Bytes of the records (headers, payloads, rounding); segment files are longer. */
  readonly bytes: number
  /** Every injected gap. Also in the `meta.json` of its log. */
  readonly gaps: readonly SyntheticGap[]
}

const KNOWN: KnownOptions<GenerateOptions> = {
  ...{ symbols: true, messages: true, gaps: true, segmentBytes: true, onProgress: true, seed: true, days: true, from: true, streams: true },
  ...{ dailySnapshot: true, skewMs: true, stepBack: true, level: true },
}

/** Messages between two looks at the clock of the event loop. */
const RUN_MESSAGES = 50_000

/**
 * Writes a synthetic archive below `root`: `v1/synthetic/<symbol>/<date>/<stream>/` with sealed segments, seek indexes and
 * `meta.json` (docs/format.md, Archives).
 * @throws ReplayError input: `generate-option`, `archive-exists` (never writes over or behind what is there), and those of LogWriter
 */
export async function generateArchive(root: string, options: GenerateOptions): Promise<GenerateResult> {
  requireOptions('generateArchive', options, KNOWN)
  const { symbols, gaps = 0 } = options
  if (!Number.isSafeInteger(symbols) || symbols < 1 || symbols > MAX_SYNTHETIC_SYMBOLS) {
    const message = `symbols: expected a whole number from 1 to ${MAX_SYNTHETIC_SYMBOLS}; given ${symbols}`
    throw new ReplayError('generate-option', message, { category: 'input' })
  }
  const venue = path.join(root, 'v1', SYNTHETIC_VENUE)
  if (fs.existsSync(venue)) {
    throw new ReplayError('archive-exists', 'there is a synthetic archive here already; delete it or choose another place', {
      category: 'input',
      path: venue,
    })
  }
  const total = { messages: 0, bytes: 0, gaps: [] as SyntheticGap[] }
  for (let index = 0; index < symbols; index++) {
    const ownGaps = Math.floor((gaps * (index + 1)) / symbols) - Math.floor((gaps * index) / symbols)
    const symbol = createSyntheticSymbol({ ...options, index, gaps: ownGaps })
    total.bytes += await writeSymbol(path.join(venue, symbol.identity.symbol), symbol, options, (count) =>
      options.onProgress?.(total.messages + count),
    )
    total.messages += symbol.count
    total.gaps.push(...symbol.gaps)
  }
  return total
}

/** Writes all days of a symbol; returns the bytes of its records. */
async function writeSymbol(
  directory: string,
  symbol: SyntheticSymbol,
  options: GenerateOptions,
  progress: (count: number) => void,
): Promise<number> {
  const { bookStream } = symbol.identity
  const streams = new Map([
    [STREAM_BOOK, bookStream],
    [STREAM_TRADES, 'trades'],
    [STREAM_TICKER, 'ticker'],
  ])
  const segmentBytes = options.segmentBytes ?? usualSegmentBytes(options.messages / symbol.days)
  let bytes = 0
  for (let day = 0; day < symbol.days; day++) {
    const logs = new StreamLogs(directory, symbol.dateOf(day), streams, segmentBytes)
    symbol.startDay(logs)
    while (symbol.run(RUN_MESSAGES)) {
      progress(symbol.count)
      await new Promise(setImmediate)
    }
    logs.finish(factsOf(symbol, options))
    bytes += logs.recordBytes
    progress(symbol.count)
  }
  return bytes
}

function factsOf(symbol: SyntheticSymbol, options: GenerateOptions): MetaFacts {
  const { seed, messages, symbols } = options
  return {
    venue: SYNTHETIC_VENUE,
    identity: symbol.identity,
    source: { generator: 'chronicle-replay generate', seed, symbols, messages },
    gaps: symbol.gaps,
  }
}

/** About 8 segments for the third of a day's messages that a stream has, at 256 bytes each. */
function usualSegmentBytes(dayMessages: number): number {
  const exponent = Math.ceil(Math.log2(Math.max(1, (dayMessages / 3) * 256) / 8))
  return 2 ** Math.min(27, Math.max(16, exponent))
}
