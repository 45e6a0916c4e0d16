import type { MessageCursor } from '../../message/message.ts'
import {
  BOOK_EVENT_BYTES,
  BOOK_EVENT_EXCHANGE_TS_OFFSET,
  BOOK_EVENT_MARKET_ID_OFFSET,
  BOOK_EVENT_NATIVE_SEQ_OFFSET,
  BOOK_EVENT_SEQ_OFFSET,
  BOOK_EVENT_TYPE_OFFSET,
  EVENT_DIFF,
  EVENT_RESET,
  EVENT_SNAPSHOT,
  MODE_L3,
} from '../../protocol/book-event.ts'
import { L2_DIFF_BYTES, L2_DIFF_UPDATE_ID_FIRST_OFFSET, L2_DIFF_UPDATE_ID_LAST_OFFSET } from '../../protocol/l2-diff.ts'
import { L3_EVENT_BYTES, L3_EVENT_TYPE_OFFSET, L3_RESET } from '../../protocol/l3-event.ts'
import { TYPE_BOOK_EVENT } from '../../protocol/message-type.ts'
import { bookStartOf, isBookEvent } from '../book-start.ts'
import { PayloadWords } from '../payload-words.ts'
import { LogLosses } from './log-losses.ts'
import { MarketSequence, type MarketSequenceState, NATIVE_IS_OTHER, NATIVE_IS_UPDATE_ID, NATIVE_UNKNOWN } from './market-sequence.ts'
import { isOldStart } from './old-start.ts'
import { type RecordSession, RecordSessions } from './record-sessions.ts'
import { join } from './sequence-counter.ts'
import { breaksContinuity, FINDING_KINDS, type FindingKind, type SequenceFinding, sequenceError } from './sequence-finding.ts'
import type { SequenceRule } from './sequence-rule.ts'
import {
  CHAIN_BACK,
  CHAIN_DUPLICATE,
  CHAIN_GAP,
  CHAIN_NO_IDS,
  CHAIN_OK,
  CHAIN_PREV_ZERO,
  CHAIN_STALE,
  CHAIN_STARTED,
} from './update-id-chain.ts'

/** What to do after a gap: stop with an error; leave the market's events out until its next snapshot or reset; or only report it. */
export type GapPolicy = 'abort' | 'quarantine' | 'ignore'

/** What to do with a message. */
export const VERDICT_APPLY = 0
/** The market is quarantined. */
export const VERDICT_QUARANTINED = 1
/** The same event again (not under `ignore`). */
export const VERDICT_DUPLICATE = 2
/**
 * A diff older than the snapshot before it, as exchanges send them around a snapshot: part of the snapshot already. Or a snapshot
 * (or reset) older than the book, which it would turn back. No finding.
 */
export const VERDICT_STALE = 3

export interface SequencePolicyOptions {
  /** @default 'abort' */
  readonly onGap?: GapPolicy | undefined
  /** @default every check on 'auto' */
  readonly rule?: SequenceRule | undefined
  /** Hears of every finding, before an abort too. */
  readonly onFinding?: ((finding: SequenceFinding) => void) | undefined
}

/** What a restart point keeps of a policy (JSON). */
export interface SequencePolicyState {
  readonly version: 1
  /** Last record sequence of each log, as a decimal string, by the last part of the log's path. */
  readonly lastRecordSeqs: Readonly<Record<string, string>>
  /** With the name of the log that the market's last event was in. */
  readonly markets: readonly (MarketSequenceState & { readonly marketId: number; readonly log: string | null })[]
}

/**
 * Finds gaps, duplicates and steps back in a stream of messages, and says which ones a book may apply.
 *
 * Four sequences are checked (see SequenceRule): the record's, per log directory, where 0 begins a new session and a
 * new directory does too; the header's `seq`; the chain of update ids, which runs across sessions and directories; and
 * `native_seq`. Call `check` for every message in order, then apply what it lets through. Nothing is allocated unless
 * something is found.
 */
export class SequencePolicy {
  readonly onGap: GapPolicy
  /** Findings so far, by kind. */
  readonly findings: Record<FindingKind, number>
  /** Values missing so far, over all kinds of finding. */
  missing = 0n
  /** Messages left out, by verdict. */
  quarantinedMessages = 0
  duplicateMessages = 0
  staleMessages = 0
  /** Session boundaries inside a market's stream at which nothing proves that no event is missing. */
  unprovenBoundaries = 0

  readonly rule: SequenceRule
  readonly #onFinding: ((finding: SequenceFinding) => void) | undefined
  readonly #payload = new PayloadWords()
  readonly #markets = new Map<number, MarketSequence>()
  #market: MarketSequence | null = null
  readonly #sessions: RecordSessions
  readonly #losses = new LogLosses()

  constructor(options: SequencePolicyOptions = {}) {
    this.onGap = options.onGap ?? 'abort'
    this.rule = options.rule ?? {}
    this.#onFinding = options.onFinding
    const onMismatch = (expected: bigint, found: bigint, message: MessageCursor) =>
      this.#report(null, found > expected ? 'record_seq_gap' : 'record_seq_back', expected, found, message)
    this.#sessions = new RecordSessions(this.rule.recordSeq === false ? null : onMismatch)
    this.findings = Object.fromEntries(FINDING_KINDS.map((kind) => [kind, 0])) as Record<FindingKind, number>
  }

  /**
   * Judges the next message: VERDICT_APPLY and so on.
   * @throws ReplayError corrupt `sequence-gap` at a finding that breaks continuity, under `abort`
   */
  check(message: MessageCursor): number {
    const session = this.#losses.hasPending ? this.#advanceBehindLoss(message) : this.#sessions.advance(message)
    if (message.typeId !== TYPE_BOOK_EVENT || message.length < BOOK_EVENT_BYTES) return VERDICT_APPLY
    const { length } = message
    const at = this.#payload.locate(message.buffer, message.payloadOffset, length)
    const { words } = this.#payload
    const market = this.#marketOf(words[at + (BOOK_EVENT_MARKET_ID_OFFSET >>> 2)]!)
    if (market.session === RESTORED_SESSION && session.isContinued) market.session = session.id
    else if (market.session !== session.id) this.#enterSession(market, session)
    // Bytes 56–57: event type, book mode.
    const kind = words[at + (BOOK_EVENT_TYPE_OFFSET >>> 2)]! & 0xffff
    if (session.gaps !== market.recordGaps) {
      market.recordGaps = session.gaps
      this.#quarantine(market)
    }
    if (this.#losses.hasAny) this.#takeLosses(market, message)
    const isL3Start = isL3Reset(kind, words, at, length)
    const isStart = kind === EVENT_SNAPSHOT || kind === EVENT_RESET || isL3Start
    const isOld = isStart && market.age.isKnown && isOldStart(this.rule, market, kind, words, at)
    // Orders that an old reset is followed by cannot be told from new ones: what goes on from there is found by the header's sequence.
    if (isOld && (!isL3Start || this.onGap !== 'ignore')) {
      this.#leaveOutOld(market, isL3Start, words, at, message)
      return this.#verdict(market, VERDICT_STALE)
    }
    let verdict = kind === EVENT_DIFF ? this.#checkDiff(market, words, at, length, message) : VERDICT_APPLY
    const row = message.index
    const { seqWords } = message.batch
    const seqAt = at + (BOOK_EVENT_SEQ_OFFSET >>> 2)
    if (
      this.rule.headerSeq !== 'none' &&
      !market.header.check(words[seqAt]!, words[seqAt + 1]!, seqWords[row * 2]!, seqWords[row * 2 + 1]!)
    ) {
      verdict = this.#headerMismatch(market, kind, verdict, message)
    }
    if (this.rule.nativeSeq === 'contiguous') this.#checkNativeCounter(market, words, at, message)
    // Last, so that a snapshot ends the quarantine that its own gap began.
    if (kind === EVENT_SNAPSHOT) market.beginWithSnapshot(words, at)
    else if (isStart) market.beginWithReset(isL3Start)
    if (verdict === VERDICT_APPLY) market.age.note(words, at)
    return this.#verdict(market, verdict)
  }

  /**
   * A reader left out records behind the last message of a log: its next one is behind a gap, whatever its sequences say.
   * @param path of the log's directory
   * @param isCarried what is lost at the end of a directory matters to the log's next one, unless that begins with a snapshot or reset
   */
  lose(path: string, isCarried: boolean): void {
    this.#losses.add(path, isCarried)
  }

  /** Sessions (directories, and restarts of a writer) met. */
  get sessions(): number {
    return this.#sessions.count
  }

  /** Whether a reader reported a loss that no message of its log is behind yet. */
  get awaitsLoss(): boolean {
    return this.#losses.hasPending
  }

  /** Whether events of a market have met what was lost of a log. @param path of its directory */
  hasMetLosses(market: MarketSequence, path: string): boolean {
    if (!this.#losses.hasAny) return true
    const loss = this.#losses.lastOf(path)
    return loss === null || market.losses.get(loss.log) === loss
  }

  /** What is known of a market; null: it was not met. */
  market(marketId: number): MarketSequence | null {
    return this.#markets.get(marketId) ?? null
  }

  /** What is known of a log's record sequence; null: it was not met. @param path of its directory */
  session(path: string): RecordSession | null {
    return this.#sessions.of(path)
  }

  /** Whether a market is in quarantine; false for a market that was not met. */
  isQuarantined(marketId: number): boolean {
    return this.#markets.get(marketId)?.quarantined ?? false
  }

  /** Last update id of a market's chain; 0 when it has none. */
  lastUpdateId(marketId: number): bigint {
    const state = this.#markets.get(marketId)?.chain.state
    return state === undefined ? 0n : join(state.lastLow, state.lastHigh)
  }

  /** What a restart point has to keep. */
  state(): SequencePolicyState {
    return {
      version: 1,
      lastRecordSeqs: Object.fromEntries(Object.entries(this.#sessions.last).map(([log, seq]) => [log, String(seq)])),
      markets: [...this.#markets.values()].map((market) => {
        const quarantined = market.quarantined || this.#hasUnseenGap(market) ? 1 : 0
        return { marketId: market.marketId, log: this.#sessions.nameOf(market.session) ?? market.log, ...market.state(), quarantined }
      }),
    }
  }

  /** Goes on from a restart point: the next message is the one behind it, in the same session. */
  restore(state: SequencePolicyState): void {
    this.#markets.clear()
    this.#market = null
    this.#sessions.restore(Object.fromEntries(Object.entries(state.lastRecordSeqs).map(([log, seq]) => [log, BigInt(seq)])))
    for (const { marketId, log, ...rest } of state.markets) {
      const market = this.#marketOf(marketId)
      market.restore(rest)
      market.log = log
      market.session = RESTORED_SESSION
    }
  }

  /** Whether the record sequence has a gap, met at a message of another kind, that the market's next event will suffer from. */
  #hasUnseenGap(market: MarketSequence): boolean {
    if (this.onGap !== 'quarantine') return false
    if (market.session === RESTORED_SESSION) return this.#sessions.hasGap
    const gaps = this.#sessions.gapsOf(market.session)
    return gaps !== null && gaps !== market.recordGaps
  }

  #marketOf(marketId: number): MarketSequence {
    if (this.#market?.marketId === marketId) return this.#market
    let market = this.#markets.get(marketId)
    if (market === undefined) {
      market = new MarketSequence(marketId, this.rule)
      this.#markets.set(marketId, market)
    }
    this.#market = market
    return market
  }

  #enterSession(market: MarketSequence, session: RecordSession): void {
    // An open boundary that nothing has proven before the next one begins.
    if (market.isBoundaryOpen) this.unprovenBoundaries++
    market.isBoundaryOpen = market.session !== NO_SESSION
    market.session = session.id
    market.recordGaps = session.gaps
    market.header.restart()
    market.age.restart()
  }

  /** Counters go on where it was counted as it came. Orders need all that lies behind a reset, so that an old one is a gap. */
  #leaveOutOld(market: MarketSequence, isL3: boolean, words: Uint32Array, at: number, message: MessageCursor): void {
    const { seqWords } = message.batch
    const [recordLow, recordHigh] = [seqWords[message.index * 2]!, seqWords[message.index * 2 + 1]!]
    const [seqAt, nativeAt] = [at + (BOOK_EVENT_SEQ_OFFSET >>> 2), at + (BOOK_EVENT_NATIVE_SEQ_OFFSET >>> 2)]
    const byHeader = market.header.compare(words[seqAt]!, words[seqAt + 1]!)
    if (byHeader > 0) market.header.check(words[seqAt]!, words[seqAt + 1]!, recordLow, recordHigh)
    if (market.native.compare(words[nativeAt]!, words[nativeAt + 1]!) > 0) {
      market.native.check(words[nativeAt]!, words[nativeAt + 1]!, recordLow, recordHigh)
    }
    if (!isL3) return
    const [timeAt, { state }] = [at + (BOOK_EVENT_EXCHANGE_TS_OFFSET >>> 2), market.age]
    if (byHeader < 0) {
      const { low, high } = market.header.state
      this.#report(market, 'header_seq_back', join(low, high) + 1n, join(words[seqAt]!, words[seqAt + 1]!), message, 0n)
    } else {
      const found = join(words[timeAt]!, words[timeAt + 1]!)
      this.#report(market, 'snapshot_back', join(state.exchangeLow, state.exchangeHigh), found, message, 0n)
    }
  }

  /** As `advance`; reports a loss that the record sequence does not show. */
  #advanceBehindLoss(message: MessageCursor): RecordSession {
    const { findings } = this
    const before = findings.record_seq_gap + findings.record_seq_back
    const session = this.#sessions.advance(message)
    const where = this.#losses.meet(message.batch.originAt(message.index).path)
    const isTold = findings.record_seq_gap + findings.record_seq_back > before
    if (where === null || isTold || (where === 'before' && !goesOn(message))) return session
    this.#report(null, 'record_seq_gap', message.seq, message.seq, message)
    return session
  }

  #takeLosses(market: MarketSequence, message: MessageCursor): void {
    const loss = this.#losses.lastOf(message.batch.originAt(message.index).path)
    if (loss === null || market.losses.get(loss.log) === loss) return
    market.losses.set(loss.log, loss)
    this.#quarantine(market)
  }

  #checkDiff(market: MarketSequence, words: Uint32Array, at: number, length: number, message: MessageCursor): number {
    if (length < L2_DIFF_BYTES) return VERDICT_APPLY
    const idsAt = at + (L2_DIFF_UPDATE_ID_FIRST_OFFSET >>> 2)
    const nativeAt = at + (BOOK_EVENT_NATIVE_SEQ_OFFSET >>> 2)
    const lastAt = at + (L2_DIFF_UPDATE_ID_LAST_OFFSET >>> 2)
    const isNativeLast = words[nativeAt] === words[lastAt] && words[nativeAt + 1] === words[lastAt + 1]
    const result = market.chain.check(words, idsAt, isNativeLast)
    if (market.isBoundaryOpen) {
      market.isBoundaryOpen = false
      if (result === CHAIN_NO_IDS || result === CHAIN_STARTED) this.unprovenBoundaries++
    }
    // A repeated or stale diff repeats what was wrong with it the first time.
    if (result !== CHAIN_NO_IDS && result !== CHAIN_DUPLICATE && result !== CHAIN_STALE)
      this.#checkNative(market, words, nativeAt, lastAt, isNativeLast, message)
    if (result === CHAIN_OK || result === CHAIN_NO_IDS || result === CHAIN_STARTED) return VERDICT_APPLY
    if (result === CHAIN_STALE) return VERDICT_STALE
    const { expected, found, missing } = market.chain
    const kinds = {
      [CHAIN_GAP]: 'update_id_gap',
      [CHAIN_BACK]: 'update_id_back',
      [CHAIN_PREV_ZERO]: 'prev_zero',
      [CHAIN_DUPLICATE]: 'duplicate',
    } as const
    this.#report(market, kinds[result as keyof typeof kinds], expected, found, message, missing)
    return result === CHAIN_DUPLICATE ? VERDICT_DUPLICATE : VERDICT_APPLY
  }

  /** native_seq against the last update id of the same diff. */
  #checkNative(
    market: MarketSequence,
    words: Uint32Array,
    nativeAt: number,
    lastAt: number,
    isLast: boolean,
    message: MessageCursor,
  ): void {
    const rule = this.rule.nativeSeq ?? 'auto'
    if (rule === 'none' || rule === 'contiguous') return
    if (market.nativeMode === NATIVE_UNKNOWN) market.nativeMode = isLast || rule === 'update-id' ? NATIVE_IS_UPDATE_ID : NATIVE_IS_OTHER
    if (isLast || market.nativeMode !== NATIVE_IS_UPDATE_ID || (words[nativeAt]! | words[nativeAt + 1]!) === 0) return
    const found = join(words[nativeAt]!, words[nativeAt + 1]!)
    const expected = join(words[lastAt]!, words[lastAt + 1]!)
    this.#report(market, found > expected ? 'native_seq_jump' : 'native_seq_back', expected, found, message)
  }

  #checkNativeCounter(market: MarketSequence, words: Uint32Array, at: number, message: MessageCursor): void {
    const { seqWords } = message.batch
    const row = message.index
    const nativeAt = at + (BOOK_EVENT_NATIVE_SEQ_OFFSET >>> 2)
    if (market.native.check(words[nativeAt]!, words[nativeAt + 1]!, seqWords[row * 2]!, seqWords[row * 2 + 1]!)) return
    const { expected, found } = market.native.mismatch
    this.#report(market, found > expected ? 'native_seq_jump' : 'native_seq_back', expected, found, message)
  }

  /** Reports it, unless it is the header of a diff that was found to be a duplicate already. Returns the verdict. */
  #headerMismatch(market: MarketSequence, kind: number, verdict: number, message: MessageCursor): number {
    const { expected, found, previous } = market.header.mismatch
    if (found === previous) {
      if (verdict === VERDICT_DUPLICATE) return verdict
      // Without update ids, an L2 diff or L3 event with the sequence of the one before is taken for the same again.
      if ((kind & 0xff) === EVENT_DIFF && market.chain.state.phase === 0) {
        this.#report(market, 'duplicate', expected, found, message, 0n)
        return VERDICT_DUPLICATE
      }
    }
    this.#report(market, found > expected ? 'header_seq_jump' : 'header_seq_back', expected, found, message)
    return verdict
  }

  #quarantine(market: MarketSequence): void {
    if (this.onGap === 'quarantine') market.quarantined = true
  }

  #verdict(market: MarketSequence, verdict: number): number {
    if (market.quarantined) {
      this.quarantinedMessages++
      return VERDICT_QUARANTINED
    }
    if (verdict === VERDICT_STALE) this.staleMessages++
    if (verdict !== VERDICT_DUPLICATE) return verdict
    if (this.onGap === 'ignore') return VERDICT_APPLY
    this.duplicateMessages++
    return verdict
  }

  #report(
    market: MarketSequence | null,
    kind: FindingKind,
    expected: bigint,
    found: bigint,
    message: MessageCursor,
    missing = found > expected ? found - expected : 0n,
  ): void {
    const { path } = message.batch.originAt(message.index)
    const place = {
      ...(path === '' ? {} : { path }),
      ...(message.segment < 0 ? {} : { segment: message.segment, offset: message.segmentOffset }),
      seq: message.seq,
    }
    const finding: SequenceFinding = { kind, place, marketId: market?.marketId ?? null, expected, found, missing }
    this.findings[kind]++
    this.missing += missing
    this.#onFinding?.(finding)
    if (!breaksContinuity(finding)) return
    if (this.onGap === 'abort') throw sequenceError(finding)
    if (market !== null) this.#quarantine(market)
  }
}

const NO_SESSION = -1
/** A market that was restored and has not met its session again. */
const RESTORED_SESSION = -2

/** Whether a message changes a book that is there already. */
function goesOn(message: MessageCursor): boolean {
  return isBookEvent(message) && bookStartOf(message) === 'other'
}

function isL3Reset(kind: number, words: Uint32Array, at: number, length: number): boolean {
  return (
    kind === (EVENT_DIFF | (MODE_L3 << 8)) && length >= L3_EVENT_BYTES && (words[at + (L3_EVENT_TYPE_OFFSET >>> 2)]! & 0xff) === L3_RESET
  )
}
