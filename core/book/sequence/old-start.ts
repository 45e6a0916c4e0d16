import { BOOK_EVENT_NATIVE_SEQ_OFFSET, BOOK_EVENT_SEQ_OFFSET, EVENT_SNAPSHOT } from '../../protocol/book-event.ts'
import { compareWords } from './book-age.ts'
import { type MarketSequence, NATIVE_IS_UPDATE_ID } from './market-sequence.ts'
import type { SequenceRule } from './sequence-rule.ts'

/**
 * Whether a snapshot or reset is older than the book of its session: by its ids, else by the header's `seq`, else by exchange
 * time. A sequence that begins anew, or that is back although the exchange's clock went on where nothing else can be
 * compared, is evidence of a restart instead. So is a quarantined market's snapshot that the clock does not show to be old:
 * whether messages are missing behind it is then found as ever.
 */
export function isOldStart(rule: SequenceRule, market: MarketSequence, kind: number, words: Uint32Array, at: number): boolean {
  const { age } = market
  const isSnapshot = kind === EVENT_SNAPSHOT
  const byTime = age.compareTime(words, at)
  const byId = isSnapshot ? compareSnapshotId(rule, market, words, at) : Number.NaN
  const order = Number.isNaN(byId) ? compareSequence(rule, market, words, at) : byId
  if (market.quarantined) return order < 0 && byTime <= 0
  if (!isSnapshot) return order < 0 ? !(byTime > 0) : Number.isNaN(order) && age.isLongPast(words, at)
  if (byId < 0) return market.chain.isRunning || !(byTime > 0)
  return Number.isNaN(byId) && (order < 0 ? !(byTime > 0) : age.isLongPast(words, at))
}

/** A snapshot's id against the last one known; NaN when they do not compare. */
function compareSnapshotId(rule: SequenceRule, market: MarketSequence, words: Uint32Array, at: number): number {
  const { nativeSeq = 'auto', updateIds = 'auto' } = rule
  if (!market.chain.isRunning) return nativeSeq === 'none' ? Number.NaN : market.age.compareNative(words, at)
  if (updateIds === 'auto' && market.nativeMode !== NATIVE_IS_UPDATE_ID) return Number.NaN
  const { lastLow, lastHigh } = market.chain.state
  const nativeAt = at + (BOOK_EVENT_NATIVE_SEQ_OFFSET >>> 2)
  return compareWords(words[nativeAt]!, words[nativeAt + 1]!, lastLow, lastHigh)
}

/** −1: the sequence of the header, or one of the exchange that counts events, is behind, and does not begin anew; 1: it is not. */
function compareSequence(rule: SequenceRule, market: MarketSequence, words: Uint32Array, at: number): number {
  const { headerSeq, nativeSeq } = rule
  const seqAt = at + (BOOK_EVENT_SEQ_OFFSET >>> 2)
  const byHeader = headerSeq === 'none' ? Number.NaN : market.header.compare(words[seqAt]!, words[seqAt + 1]!)
  if (!Number.isNaN(byHeader) || nativeSeq !== 'contiguous') return byHeader
  const nativeAt = at + (BOOK_EVENT_NATIVE_SEQ_OFFSET >>> 2)
  return market.native.compare(words[nativeAt]!, words[nativeAt + 1]!)
}
