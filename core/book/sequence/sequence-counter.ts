/**
 * Checks a sequence that should rise by one per event, or in step with the record sequence.
 *
 * A value that fits neither is one finding. If the next one goes on from before, it was a single wrong value; if it
 * goes on from the wrong one, values are missing and it becomes the new base: either way nothing is found twice.
 * Value 0 means none. 64-bit values are two 32-bit words; BigInts are made only when something is wrong.
 */
export interface CounterState {
  /** 0: no value yet. */
  has: number
  low: number
  high: number
  recordLow: number
  recordHigh: number
  /** Events since the base, this one included. */
  events: number
  /** The wrong value that may turn out to be the new base. */
  hasOther: number
  otherLow: number
  otherHigh: number
  otherRecordLow: number
  otherRecordHigh: number
  otherEvents: number
  /** 1 when the last good value fitted the record sequence only. */
  followsRecord: number
}

/** What a counter expected when `check` was false. */
export interface Mismatch {
  expected: bigint
  found: bigint
  /** The value before, to recognise repeats. */
  previous: bigint
}

export class SequenceCounter {
  readonly state: CounterState = {
    has: 0,
    low: 0,
    high: 0,
    recordLow: 0,
    recordHigh: 0,
    events: 0,
    hasOther: 0,
    otherLow: 0,
    otherHigh: 0,
    otherRecordLow: 0,
    otherRecordHigh: 0,
    otherEvents: 0,
    followsRecord: 0,
  }
  readonly mismatch: Mismatch = { expected: 0n, found: 0n, previous: 0n }

  /** A new session: the next value is the base. */
  restart(): void {
    this.state.has = 0
    this.state.hasOther = 0
  }

  /** −1: a value lies behind the last one that fitted, and does not begin anew at 0 or 1; 1: it does not; NaN: nothing compares. */
  compare(low: number, high: number): number {
    const { state } = this
    if (state.has === 0 || (low | high) === 0) return Number.NaN
    if (high === 0 && low === 1) return 1
    const order = Math.sign((high >>> 0) - (state.high >>> 0)) || Math.sign((low >>> 0) - (state.low >>> 0))
    return order < 0 ? -1 : 1
  }

  /** True when the value fits; otherwise `mismatch` is filled. */
  check(low: number, high: number, recordLow: number, recordHigh: number): boolean {
    const { state } = this
    if ((low | high) === 0) return true
    if (state.has !== 0) {
      state.events++
      const step = (low - state.low) >>> 0
      const fits = step === state.events || (step === (recordLow - state.recordLow) >>> 0 && (recordHigh | 0) === state.recordHigh)
      if (!fits || (high | 0) !== state.high || step === 0) return this.#checkSlowly(low, high, recordLow, recordHigh)
      if (state.events !== step) state.followsRecord = 1
    }
    this.#rebase(low, high, recordLow, recordHigh)
    return true
  }

  #rebase(low: number, high: number, recordLow: number, recordHigh: number): void {
    const { state } = this
    state.has = 1
    // Signed, because signed words are kept without allocation.
    state.low = low | 0
    state.high = high | 0
    state.recordLow = recordLow | 0
    state.recordHigh = recordHigh | 0
    state.events = 0
    state.hasOther = 0
  }

  /** Carries into the high word, wrong values and what follows them. */
  #checkSlowly(low: number, high: number, recordLow: number, recordHigh: number): boolean {
    const { state } = this
    const found = join(low, high)
    const record = join(recordLow, recordHigh)
    const base = join(state.low, state.high)
    const recordStep = BigInt.asUintN(64, record - join(state.recordLow, state.recordHigh))
    const fits = (from: bigint, events: number, step: bigint) =>
      found === BigInt.asUintN(64, from + BigInt(events)) || (step > 0n && found === BigInt.asUintN(64, from + step))
    state.otherEvents++
    const otherStep = BigInt.asUintN(64, record - join(state.otherRecordLow, state.otherRecordHigh))
    if (
      fits(base, state.events, recordStep) ||
      (state.hasOther !== 0 && fits(join(state.otherLow, state.otherHigh), state.otherEvents, otherStep))
    ) {
      this.#rebase(low, high, recordLow, recordHigh)
      return true
    }
    this.mismatch.previous = base
    this.mismatch.found = found
    this.mismatch.expected = BigInt.asUintN(64, base + (state.followsRecord !== 0 ? recordStep : BigInt(state.events)))
    state.hasOther = 1
    state.otherLow = low | 0
    state.otherHigh = high | 0
    state.otherRecordLow = recordLow | 0
    state.otherRecordHigh = recordHigh | 0
    state.otherEvents = 0
    return false
  }
}

/** A u64 of its two words. */
export function join(low: number, high: number): bigint {
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)
}
