import { join } from './sequence-counter.ts'
import type { UpdateIdRule } from './sequence-rule.ts'

/** What a chain says about a diff. */
export const CHAIN_OK = 0
/** No ids to check. */
export const CHAIN_NO_IDS = 1
/** First diff that is known: nothing to compare with. */
export const CHAIN_STARTED = 2
/** Older than the snapshot before: already in it. */
export const CHAIN_STALE = 3
export const CHAIN_DUPLICATE = 4
export const CHAIN_PREV_ZERO = 5
export const CHAIN_GAP = 6
export const CHAIN_BACK = 7

/** `phase`; words of ids in the state are signed */
const UNKNOWN = 0
/** `last` is the id of a snapshot, no newer diff was seen. */
const ANCHORED = 1
const RUNNING = 2
/** `style`, learned under 'auto' */
const UNDECIDED = 0
const CONTIGUOUS = 1
const LOOSE = 2
/** Diffs in a row whose first id follows the previous one that make a stream contiguous (real futures feeds: 5 at most). */
const CONTIGUOUS_RUN = 16

export interface ChainState {
  phase: number
  lastLow: number
  lastHigh: number
  firstLow: number
  firstHigh: number
  /** 1 once a diff since the last snapshot had a previous id. */
  hasPrevious: number
  style: number
  run: number
  /** The last id of a diff that stepped back: the stream may go on from there. */
  hasOther: number
  otherLow: number
  otherHigh: number
}

/**
 * The update-id chain of one market: first, last and previous id of each diff (u64, as two 32-bit words).
 * Each loss is found once: the chain goes on from the diff that shows it.
 */
export class UpdateIdChain {
  readonly state: ChainState = {
    phase: UNKNOWN,
    lastLow: 0,
    lastHigh: 0,
    firstLow: 0,
    firstHigh: 0,
    hasPrevious: 0,
    style: UNDECIDED,
    run: 0,
    hasOther: 0,
    otherLow: 0,
    otherHigh: 0,
  }
  /** Of the last CHAIN_GAP, CHAIN_BACK, CHAIN_PREV_ZERO or CHAIN_DUPLICATE. */
  expected = 0n
  found = 0n
  missing = 0n

  readonly #rule: UpdateIdRule

  constructor(rule: UpdateIdRule) {
    this.#rule = rule
  }

  /** Whether `last` is the id of a diff, not of a snapshot. */
  get isRunning(): boolean {
    return this.state.phase === RUNNING
  }

  /** A snapshot that holds everything up to this id; 0 = it has none, the chain goes on. What was learned is learned anew. */
  anchor(low: number, high: number): void {
    const { state } = this
    state.hasPrevious = 0
    state.style = UNDECIDED
    state.run = 0
    if ((low | high) === 0) return
    state.phase = ANCHORED
    state.lastLow = low | 0
    state.lastHigh = high | 0
    state.hasOther = 0
  }

  /** A reset: nothing is known. */
  forget(): void {
    this.anchor(0, 0)
    this.state.phase = UNKNOWN
    this.state.hasOther = 0
  }

  /**
   * @param words a diff's payload from `updateIdFirst` on, starting at word `at`: first, last, previous
   * @param nativeIsLast whether the diff's native_seq is its last id: under 'auto', only then do snapshot ids compare
   */
  check(words: Uint32Array, at: number, nativeIsLast: boolean): number {
    const { state } = this
    const rule = this.#rule
    // Signed, because signed words are kept without allocation.
    const firstLow = words[at]! | 0
    const firstHigh = words[at + 1]! | 0
    const lastLow = words[at + 2]! | 0
    const lastHigh = words[at + 3]! | 0
    const previousLow = words[at + 4]! | 0
    const previousHigh = words[at + 5]! | 0
    if (rule === 'none' || (firstLow | firstHigh | lastLow | lastHigh | previousLow | previousHigh) === 0) return CHAIN_NO_IDS
    if (state.phase === RUNNING) {
      // The common case in 32-bit words: the next diff of a chain that is in order. Carries take the slow way.
      const follows = firstHigh === state.lastHigh && firstLow === ((state.lastLow + 1) | 0) && firstLow !== 0
      const linked = previousHigh === state.lastHigh && previousLow === state.lastLow
      const hasPrevious = (previousLow | previousHigh) !== 0
      const usesPrevious = rule === 'auto' ? hasPrevious || state.hasPrevious !== 0 : rule !== 'first-follows-last'
      const isGood = usesPrevious ? linked && (follows || rule === 'previous-equals-last' || state.style === LOOSE) : follows
      if (isGood) {
        if (hasPrevious) state.hasPrevious = 1
        if (follows && usesPrevious && rule === 'auto' && state.style === UNDECIDED && ++state.run === CONTIGUOUS_RUN)
          state.style = CONTIGUOUS
        this.#advance(firstLow, firstHigh, lastLow, lastHigh)
        return CHAIN_OK
      }
    }
    const result = this.#checkSlowly(join(firstLow, firstHigh), join(lastLow, lastHigh), join(previousLow, previousHigh), nativeIsLast)
    if (result === CHAIN_BACK) {
      state.hasOther = 1
      state.otherLow = lastLow
      state.otherHigh = lastHigh
    } else if (result !== CHAIN_STALE && result !== CHAIN_DUPLICATE) this.#advance(firstLow, firstHigh, lastLow, lastHigh)
    return result
  }

  #advance(firstLow: number, firstHigh: number, lastLow: number, lastHigh: number): void {
    const { state } = this
    state.phase = RUNNING
    state.firstLow = firstLow
    state.firstHigh = firstHigh
    state.lastLow = lastLow
    state.lastHigh = lastHigh
    state.hasOther = 0
  }

  #checkSlowly(first: bigint, last: bigint, previous: bigint, nativeIsLast: boolean): number {
    const { state } = this
    const rule = this.#rule
    const known = join(state.lastLow, state.lastHigh)
    const isAnchored = state.phase === ANCHORED && (rule !== 'auto' || nativeIsLast)
    if (isAnchored && last <= known) return CHAIN_STALE
    const hadPrevious = state.hasPrevious !== 0
    if (previous !== 0n) state.hasPrevious = 1
    if (isAnchored) {
      if (first <= known + 1n) return CHAIN_OK
      if (previous === known && rule !== 'contiguous' && rule !== 'first-follows-last') return CHAIN_OK
      return this.#report(CHAIN_GAP, known + 1n, first, first - known - 1n)
    }
    if (state.phase !== RUNNING) return CHAIN_STARTED
    if (last === known && first === join(state.firstLow, state.firstHigh)) return this.#report(CHAIN_DUPLICATE, known + 1n, first, 0n)

    const usesPrevious = rule === 'auto' ? previous !== 0n || hadPrevious : rule !== 'first-follows-last'
    if (state.hasOther !== 0) {
      const other = join(state.otherLow, state.otherHigh)
      if (usesPrevious ? previous === other : first === other + 1n) return CHAIN_OK
    }
    if (usesPrevious && previous === 0n) return this.#report(CHAIN_PREV_ZERO, known, 0n, first > known ? first - known - 1n : 0n)
    if (last <= known) return this.#report(CHAIN_BACK, known + 1n, first, 0n)
    if (usesPrevious && previous !== known) {
      return this.#report(CHAIN_GAP, known, previous, previous > known ? previous - known : first > known ? first - known - 1n : 0n)
    }
    if (first === known + 1n) return CHAIN_OK
    if (usesPrevious && rule !== 'contiguous' && state.style !== CONTIGUOUS) {
      state.style = LOOSE
      return CHAIN_OK
    }
    return first > known ? this.#report(CHAIN_GAP, known + 1n, first, first - known - 1n) : this.#report(CHAIN_BACK, known + 1n, first, 0n)
  }

  #report(result: number, expected: bigint, found: bigint, missing: bigint): number {
    this.expected = expected
    this.found = found
    this.missing = missing
    return result
  }
}
