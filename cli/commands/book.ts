import { APPLIED, namedCounts } from '../../core/book/apply-result.ts'
import { BookReplay } from '../../core/book/book-replay.ts'
import { type BookState, stateOf } from '../../core/book/book-state.ts'
import { L2Book } from '../../core/book/l2-book.ts'
import type { L3Book } from '../../core/book/l3-book.ts'
import { bookSettingsOf, type LogBookSettings } from '../../core/book/log-settings.ts'
import type { SequenceFinding } from '../../core/book/sequence/sequence-finding.ts'
import { ReplayError } from '../../core/errors.ts'
import { type LogLocation, openLog } from '../../core/log/format/log-path.ts'
import { ReplayReader } from '../../core/log/reading/replay-reader.ts'
import type { MessageCursor } from '../../core/message/message.ts'
import { BOOK_EVENT_BYTES, BOOK_EVENT_MARKET_ID_OFFSET, BOOK_EVENT_MODE_OFFSET, MODE_L3 } from '../../core/protocol/book-event.ts'
import { TYPE_BOOK_EVENT } from '../../core/protocol/message-type.ts'
import { badOption, choiceOption, countOption, u64Option } from '../arguments.ts'
import { gapsText, ladderText } from '../book-text.ts'
import { ENDPOINT } from '../cloud-clients.ts'
import type { CommandInput, CommandIo, CommandSpec } from '../command.ts'
import { findLogsAt, logAt } from '../open-logs.ts'
import { commandText, countText, jsonText } from '../output.ts'
import { ProgressLine } from '../progress.ts'

/** Gaps listed one by one; `gapCounts` counts all. */
const MAX_GAPS_LISTED = 10_000
/** States so many messages apart have a digest unasked: it takes in the whole book, which is too much for every message. */
const DIGEST_EVERY = 1000

export const book: CommandSpec = {
  name: 'book',
  summary: 'the order book of a log, L2 or L3, at chosen places and at its end',
  arguments: [{ name: 'log', help: 'directory of segments, or s3://bucket/prefix' }],
  options: {
    every: { value: 'N', help: 'show the book after every N messages of the log, of any type' },
    'at-seq': { value: 'S', help: 'show the book after the first message with record sequence S, and stop there' },
    depth: { value: 'N', help: 'levels per side to show (default 10)' },
    digest: {
      help: 'with a digest over all levels (levelsCrc32) and orders (bookHash) in each state; so by default at the end, and where states are 1,000 messages or more apart',
    },
    market: { value: 'ID', help: 'market_id to show (default: the market of the last book event)' },
    'on-gap': {
      value: 'abort|quarantine|ignore',
      help: 'at a gap: stop (default), leave the market out until its next snapshot or reset, or go on',
    },
    'on-error': { value: 'abort|skip', help: 'at damage, or an order that is not known: stop (default), or leave it out and go on' },
    endpoint: ENDPOINT,
  },
  isJsonLines: true,
  examples: [
    { command: 'chronicle-replay book archive/v1/kraken/eth-chf/2021-04-17/book', does: 'the book at the end of a day' },
    { command: 'chronicle-replay book log --every 10000 --depth 5 --json', does: 'a JSON line every 10,000 messages, and one for the end' },
    { command: 'chronicle-replay book log --at-seq 51234 --on-gap ignore', does: 'the book after one message, whatever was lost before' },
  ],
  async run(input, io) {
    const log = await requireLog(input)
    const every = countOption(input, 'every') ?? Number.POSITIVE_INFINITY
    const hasDigest = input.flag('digest') || every >= DIGEST_EVERY
    const atSeq = u64Option(input, 'at-seq')
    const onCorrupt = choiceOption(input, 'on-error', ['abort', 'skip']) ?? 'abort'
    const progress = new ProgressLine(io, input)
    const folder = await openLog(log)
    const view = new BookView(bookSettingsOf(folder), input)
    const reader = await ReplayReader.open(folder, {
      onCorrupt,
      onIssue: ({ severity, code, message, segment, offset }) =>
        progress.note(`${severity} ${code}: ${message} (segment ${segment ?? '-'}, offset ${offset ?? '-'})`),
    })
    let isFound = false
    try {
      for (let batch = await reader.nextBatch(); batch !== null && !isFound; batch = await reader.nextBatch()) {
        for (let k = 0; k < batch.length && !isFound; k++) {
          view.apply(batch.at(batch.rowAt(k)))
          isFound = atSeq !== undefined && view.seq === atSeq
          if (isFound || view.messages % every === 0) showState(view, hasDigest, input, io)
        }
        progress.update(() => `${countText(view.messages)} messages`)
      }
    } finally {
      progress.end()
      await reader.close()
    }
    if (atSeq !== undefined && !isFound) throw missingSequence(atSeq, log.path, view)
    showEnd(view, input, io, progress)
    return 0
  },
}

/** The books of a log being replayed, and which of them is looked at. */
class BookView {
  readonly replay: BookReplay
  readonly gaps: SequenceFinding[] = []
  /** Numbers of the messages that show `gaps`, counted from 0. */
  readonly gapIndexes: number[] = []
  messages = 0
  /** Market shown; null before its first book event. */
  marketId: number | null = null

  readonly #wanted: number | null
  readonly #depth: number
  #isL3 = false
  // Record sequence of the last message, as words: a BigInt per message would cost as much as the book.
  #seqLow = 0
  #seqHigh = 0

  constructor(settings: LogBookSettings, input: CommandInput) {
    this.#wanted = marketOption(input)
    this.#depth = countOption(input, 'depth') ?? 10
    const onGap = choiceOption(input, 'on-gap', ['abort', 'quarantine', 'ignore'])
    const onCorrupt = choiceOption(input, 'on-error', ['abort', 'skip'])
    this.replay = new BookReplay({
      ...settings,
      onGap,
      onCorrupt,
      // Where lost events are ignored, later ones name orders that were among them.
      onUnknownOrder: onGap === 'ignore' ? 'skip' : onCorrupt,
      onFinding: (finding) => {
        if (this.gaps.length === MAX_GAPS_LISTED) return
        this.gaps.push(finding)
        this.gapIndexes.push(this.messages)
      },
    })
  }

  apply(message: MessageCursor): void {
    this.replay.apply(message)
    this.messages++
    const { seqWords } = message.batch
    this.#seqLow = seqWords[2 * message.index]!
    this.#seqHigh = seqWords[2 * message.index + 1]!
    if (message.typeId !== TYPE_BOOK_EVENT || message.length < BOOK_EVENT_BYTES) return
    const marketId = message.view.getUint32(message.payloadOffset + BOOK_EVENT_MARKET_ID_OFFSET, true)
    if (this.#wanted !== null && marketId !== this.#wanted) return
    this.marketId = marketId
    this.#isL3 = message.view.getUint8(message.payloadOffset + BOOK_EVENT_MODE_OFFSET) === MODE_L3
  }

  /** Record sequence of the last message. */
  get seq(): bigint | null {
    return this.messages === 0 ? null : (BigInt(this.#seqHigh) << 32n) | BigInt(this.#seqLow)
  }

  /** Markets met so far. */
  get markets(): readonly number[] {
    const { l2, l3 } = this.replay.books
    return [...new Set([...l2.keys(), ...l3.keys()])].sort((a, b) => a - b)
  }

  /** Whether the market shown lacks events since a gap. */
  get isQuarantined(): boolean {
    return this.marketId !== null && this.replay.policy.isQuarantined(this.marketId)
  }

  state(hasDigest: boolean): BookState {
    return stateOf(this.#shown(), this.#depth, hasDigest)
  }

  #shown(): L2Book | L3Book {
    const { l2, l3 } = this.replay.books
    const shown = this.marketId === null ? undefined : (this.#isL3 ? l3 : l2).get(this.marketId)
    return shown ?? new L2Book()
  }
}

function showState(view: BookView, hasDigest: boolean, input: CommandInput, io: CommandIo): void {
  const state = view.state(hasDigest)
  const { messages, seq, marketId, isQuarantined } = view
  if (input.flag('json'))
    io.out(jsonText({ afterMessages: messages, seq, marketId, ...state, ...(isQuarantined && { quarantined: true }) }))
  else io.out(`after ${placeText(view)}\n${ladderText(state)}\n`)
}

function placeText({ messages, seq, marketId, isQuarantined }: BookView): string {
  const caution = isQuarantined ? '; in quarantine since a gap: this is the book before it' : ''
  return `${countText(messages)} messages, sequence ${seq ?? '-'}, market ${marketId ?? '-'}${caution}`
}

function showEnd(view: BookView, input: CommandInput, io: CommandIo, progress: ProgressLine): void {
  const { messages, seq, marketId, markets, replay, isQuarantined } = view
  const applied = replay.counts[APPLIED]!
  const { applied: _applied, ...skippedBy } = namedCounts(replay.counts)
  const skipped = messages - applied
  const gapCounts = Object.fromEntries(Object.entries(replay.policy.findings).filter(([, count]) => count > 0))
  if (input.flag('json')) {
    const gaps = view.gaps.map(({ kind, place, marketId: market, expected, found, missing }, i) => {
      const { path: _path, ...where } = place
      return { kind, index: view.gapIndexes[i]!, ...where, marketId: market, expected, found, missing }
    })
    const counted = { applied, skipped, skippedBy, gaps, gapCounts }
    const place = { afterMessages: messages, seq, marketId, markets: markets.length }
    io.out(jsonText({ final: true, ...counted, ...place, ...view.state(true), ...(isQuarantined && { quarantined: true }) }))
    return
  }
  const reasons = Object.entries(skippedBy).map(([name, count]) => `${name} ${countText(count)}`)
  if (view.gaps.length > 0) io.out(`gaps, in ${countText(messages)} messages:\n${gapsText(view.gaps, gapCounts)}`)
  io.out(`at the end: ${placeText(view)}\n${ladderText(view.state(true))}`)
  io.out(`  applied ${countText(applied)}, skipped ${countText(skipped)}${reasons.length === 0 ? '' : ` (${reasons.join(', ')})`}\n`)
  if (marketId === null) progress.note(`no book event${input.text('market') === undefined ? '' : ' of this market'} in this log`)
  if (markets.length > 1) progress.note(`markets in this log: ${shortList(markets)}; choose with --market`)
  progress.note(`next: chronicle-replay snapshot ${commandText([input.positionals[0]!])} --every 1m`)
}

/** @throws ReplayError input `log-missing`, or `usage` for an archive, naming a log of it */
async function requireLog(input: CommandInput): Promise<LogLocation> {
  const path = input.positionals[0]!
  const logs = await findLogsAt([path], input)
  const log = logAt(path, logs)
  if (log !== undefined) return log
  throw new ReplayError('usage', `a book needs one log, not an archive; e.g. chronicle-replay book ${commandText([logs[0]!.path])}`, {
    category: 'input',
    path,
  })
}

function marketOption(input: CommandInput): number | null {
  const id = u64Option(input, 'market')
  if (id === undefined) return null
  if (id >= 2n ** 32n) throw badOption('market', 'a market_id from 0 to 2^32 - 1', String(id))
  return Number(id)
}

function missingSequence(seq: bigint, path: string, view: BookView): ReplayError {
  return new ReplayError(
    'seq-missing',
    `--at-seq: no message has the record sequence ${seq}; the log has ${countText(view.messages)} messages, the last with sequence ${view.seq ?? '-'}`,
    { category: 'input', path },
  )
}

function shortList(ids: readonly number[]): string {
  return ids.length <= 10 ? ids.join(', ') : `${ids.slice(0, 10).join(', ')} and ${countText(ids.length - 10)} more`
}
