import { BOOK_EVENT_NATIVE_SEQ_OFFSET } from '../../protocol/book-event.ts'
import { BookAge, type BookAgeState } from './book-age.ts'
import type { Loss } from './log-losses.ts'
import { type CounterState, SequenceCounter } from './sequence-counter.ts'
import type { SequenceRule } from './sequence-rule.ts'
import { type ChainState, UpdateIdChain } from './update-id-chain.ts'

/** `nativeMode`, learned under 'auto' at the first diff after a snapshot. */
export const NATIVE_UNKNOWN = 0
export const NATIVE_IS_UPDATE_ID = 1
export const NATIVE_IS_OTHER = 2

/** Everything a sequence policy knows about one market, as plain numbers: what a restart point keeps of it. */
export interface MarketSequenceState {
  readonly chain: ChainState
  readonly header: CounterState
  readonly native: CounterState
  readonly nativeMode: number
  /** 1 after a gap, until the next snapshot or reset. */
  readonly quarantined: number
  /** 1 while a session boundary is not proven. */
  readonly boundaryOpen: number
  /** What a snapshot has to be as new as; absent in restart points of before it was kept. */
  readonly age?: BookAgeState
}

export class MarketSequence {
  readonly marketId: number
  readonly chain: UpdateIdChain
  readonly header = new SequenceCounter()
  readonly native = new SequenceCounter()
  readonly age = new BookAge()
  nativeMode = NATIVE_UNKNOWN
  quarantined = false
  /** Session of the record sequence that the last message belonged to; −1 before the first. */
  session = -1
  /** Name of the log of a restored market, until it has met its session again. */
  log: string | null = null
  /** Record gaps of that session when the market last looked. */
  recordGaps = 0
  /** The last loss of each log that an event of the market was behind. */
  readonly losses = new Map<string, Loss>()
  /** A new session began and no diff has shown yet whether anything is missing between. */
  isBoundaryOpen = false

  constructor(marketId: number, rule: SequenceRule) {
    this.marketId = marketId
    this.chain = new UpdateIdChain(rule.updateIds ?? 'auto')
  }

  /** A snapshot replaces the book. @param at word of its payload */
  beginWithSnapshot(words: Uint32Array, at: number): void {
    const nativeAt = at + (BOOK_EVENT_NATIVE_SEQ_OFFSET >>> 2)
    // Without an id it proves nothing about what a session before it has lost, and needs nothing of it.
    if (this.isBoundaryOpen && (words[nativeAt]! | words[nativeAt + 1]!) === 0) this.chain.forget()
    else this.chain.anchor(words[nativeAt]!, words[nativeAt + 1]!)
    this.age.state.isBased = 1
    this.#makeWhole()
  }

  /** A reset empties the book. @param isBase what is older has nothing to add */
  beginWithReset(isBase: boolean): void {
    this.chain.forget()
    this.age.state.isBased = isBase ? 1 : 0
    this.#makeWhole()
  }

  /** A copy. */
  state(): MarketSequenceState {
    return {
      chain: { ...this.chain.state },
      header: { ...this.header.state },
      native: { ...this.native.state },
      nativeMode: this.nativeMode,
      quarantined: this.quarantined ? 1 : 0,
      boundaryOpen: this.isBoundaryOpen ? 1 : 0,
      age: { ...this.age.state },
    }
  }

  restore(state: MarketSequenceState): void {
    Object.assign(this.chain.state, state.chain)
    Object.assign(this.header.state, state.header)
    Object.assign(this.native.state, state.native)
    this.nativeMode = state.nativeMode
    this.quarantined = state.quarantined !== 0
    this.isBoundaryOpen = state.boundaryOpen !== 0
    Object.assign(this.age.state, state.age)
  }

  #makeWhole(): void {
    this.nativeMode = NATIVE_UNKNOWN
    this.quarantined = false
    this.isBoundaryOpen = false
  }
}
