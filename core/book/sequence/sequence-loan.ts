import type { BookMemory } from '../kernel/book-memory.ts'
import type { MarketSequence } from './market-sequence.ts'
import type { RecordSession } from './record-sessions.ts'
import type { CounterState } from './sequence-counter.ts'
import type { SequenceRule, UpdateIdRule } from './sequence-rule.ts'

/** Words of the kernel's `Sequence`. */
const LAST = 0
const FIRST = 2
const EXCHANGE = 4
const NATIVE = 6
const HEADER_COUNTER = 8
const NATIVE_COUNTER = 9
const MARKET_ID = 10
const IS_SOUND = 11
const PHASE = 12
const HAS_PREVIOUS = 13
const STYLE = 14
const RUN = 15
const HAS_OTHER = 16
const NATIVE_MODE = 17
const IS_COMPARABLE = 18
const UPDATE_IDS = 19
const CHECKS_HEADER = 20
const NATIVE_RULE = 21
const CHECKS_RECORDS = 22

/** Words of a `Session`: the last sequence, whether there is one, whether it is the market's. */
const SESSION_WORDS = 4
/** Logs that a run of messages may be of. */
export const MAX_SESSIONS = 64

const UPDATE_ID_RULES: readonly UpdateIdRule[] = ['none', 'auto', 'first-follows-last', 'previous-equals-last', 'contiguous']
const NATIVE_RULES: Readonly<Record<NonNullable<SequenceRule['nativeSeq']>, number>> = { none: 0, auto: 1, 'update-id': 1, contiguous: 2 }

/**
 * What a sequence policy knows of one market and of the logs that its messages lie in, lent to the kernel for a run of messages: it
 * follows the sequences while nothing is found (kernel/rows/sequence.as), and what they have come to is taken back.
 */
export class SequenceLoan {
  /** Of the kernel's `Sequence`. */
  readonly address: number
  readonly #memory: BookMemory
  readonly #sessionsAt: number
  #market: MarketSequence | null = null
  readonly #sessions: RecordSession[] = []

  constructor(memory: BookMemory, { updateIds, headerSeq, nativeSeq, recordSeq }: SequenceRule) {
    this.#memory = memory
    this.address = memory.kernel.newSequence() >>> 0
    this.#sessionsAt = memory.alloc(MAX_SESSIONS * SESSION_WORDS * 4)
    const { ints } = memory
    const at = this.address >>> 2
    ints[at + UPDATE_IDS] = UPDATE_ID_RULES.indexOf(updateIds ?? 'auto')
    ints[at + CHECKS_HEADER] = headerSeq === 'none' ? 0 : 1
    ints[at + NATIVE_RULE] = NATIVE_RULES[nativeSeq ?? 'auto']
    ints[at + CHECKS_RECORDS] = recordSeq === false ? 0 : 1
  }

  /** Lends what is known of a market; null: its events are not for the kernel. */
  lend(market: MarketSequence | null): void {
    this.#market = market
    this.#sessions.length = 0
    const { ints, words } = this.#memory
    const at = this.address >>> 2
    ints[at + IS_SOUND] = market === null || market.quarantined || market.isBoundaryOpen ? 0 : 1
    if (market === null) return
    const { state } = market.chain
    words[at + MARKET_ID] = market.marketId
    ints[at + LAST] = state.lastLow
    ints[at + LAST + 1] = state.lastHigh
    ints[at + FIRST] = state.firstLow
    ints[at + FIRST + 1] = state.firstHigh
    ints[at + PHASE] = state.phase
    ints[at + HAS_PREVIOUS] = state.hasPrevious
    ints[at + STYLE] = state.style
    ints[at + RUN] = state.run
    ints[at + HAS_OTHER] = state.hasOther
    ints[at + NATIVE_MODE] = market.nativeMode
    const age = market.age.state
    ints[at + EXCHANGE] = age.exchangeLow
    ints[at + EXCHANGE + 1] = age.exchangeHigh
    ints[at + NATIVE] = age.nativeLow
    ints[at + NATIVE + 1] = age.nativeHigh
    ints[at + IS_COMPARABLE] = age.isComparable
    lendCounter(ints, words[at + HEADER_COUNTER]! >>> 2, market.header.state)
    lendCounter(ints, words[at + NATIVE_COUNTER]! >>> 2, market.native.state)
  }

  /**
   * Lends the record sequence of a log; gives the address of its `Session`.
   * @param session null: its messages are not for the kernel
   * @param hasMarket whether events of the market are looked for in it
   */
  lendSession(session: RecordSession | null, hasMarket: boolean): number {
    if (session === null) return this.#put(MAX_SESSIONS - 1, null, false)
    let index = this.#sessions.indexOf(session)
    if (index < 0) index = this.#sessions.push(session) - 1
    const isMarkets = hasMarket && this.#market !== null && this.#market.session === session.id && this.#market.recordGaps === session.gaps
    return this.#put(index, session, isMarkets)
  }

  /** Takes back what the sequences have come to. */
  takeBack(): void {
    const { ints, words } = this.#memory
    const market = this.#market
    for (let i = 0; i < this.#sessions.length; i++) {
      const session = this.#sessions[i]!
      const at = (this.#sessionsAt >>> 2) + i * SESSION_WORDS
      session.low = ints[at]!
      session.high = ints[at + 1]!
    }
    if (market === null) return
    const at = this.address >>> 2
    const { state } = market.chain
    state.lastLow = ints[at + LAST]!
    state.lastHigh = ints[at + LAST + 1]!
    state.firstLow = ints[at + FIRST]!
    state.firstHigh = ints[at + FIRST + 1]!
    state.hasPrevious = ints[at + HAS_PREVIOUS]!
    state.style = ints[at + STYLE]!
    state.run = ints[at + RUN]!
    state.hasOther = ints[at + HAS_OTHER]!
    const age = market.age.state
    age.exchangeLow = ints[at + EXCHANGE]!
    age.exchangeHigh = ints[at + EXCHANGE + 1]!
    age.nativeLow = ints[at + NATIVE]!
    age.nativeHigh = ints[at + NATIVE + 1]!
    age.isComparable = ints[at + IS_COMPARABLE]!
    takeCounter(ints, words[at + HEADER_COUNTER]! >>> 2, market.header.state)
    takeCounter(ints, words[at + NATIVE_COUNTER]! >>> 2, market.native.state)
  }

  #put(index: number, session: RecordSession | null, isMarkets: boolean): number {
    const { ints } = this.#memory
    const address = this.#sessionsAt + index * SESSION_WORDS * 4
    const at = address >>> 2
    ints[at] = session === null ? 0 : session.low
    ints[at + 1] = session === null ? 0 : session.high
    ints[at + 2] = session?.has === true ? 1 : 0
    ints[at + 3] = isMarkets ? 1 : 0
    return address
  }
}

/** Words of a `Counter`: value, record, has, events, followsRecord, hasOther. */
function lendCounter(ints: Int32Array, at: number, state: CounterState): void {
  ints[at] = state.low
  ints[at + 1] = state.high
  ints[at + 2] = state.recordLow
  ints[at + 3] = state.recordHigh
  ints[at + 4] = state.has
  ints[at + 5] = state.events
  ints[at + 6] = state.followsRecord
  ints[at + 7] = state.hasOther
}

function takeCounter(ints: Int32Array, at: number, state: CounterState): void {
  state.low = ints[at]!
  state.high = ints[at + 1]!
  state.recordLow = ints[at + 2]!
  state.recordHigh = ints[at + 3]!
  state.events = ints[at + 5]!
  state.followsRecord = ints[at + 6]!
  state.hasOther = ints[at + 7]!
}
