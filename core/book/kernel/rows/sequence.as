// The common case of the sequence policy: a message at which nothing is found and nothing is left out. What is checked, and what
// else there is, says core/book/sequence: its state is lent to the kernel for a run of messages and taken back (sequence-loan.ts).
// Nothing of the state changes unless the message passes; one that does not is for the policy itself to judge.

import { allocZeros } from "../memory";
import { EVENT_DIFF, EVENT_TYPE, EXCHANGE_TS, MODE_L3 } from "../event";

const MARKET_ID: usize = 12;
const SEQ: usize = 40;
const NATIVE_SEQ: usize = 48;
const DIFF_BYTES: u32 = 96;
const FIRST_ID: usize = 64;
const LAST_ID: usize = 72;
const PREVIOUS_ID: usize = 80;
const L3_BYTES: u32 = 128;
const L3_KIND: usize = 64;
const L3_RESET: i32 = 5;
const DIFF_OF_ORDERS: i32 = EVENT_DIFF | (MODE_L3 << 8);

// As of update-id-chain.ts.
const RUNNING: i32 = 2;
const UNDECIDED: i32 = 0;
const CONTIGUOUS: i32 = 1;
const LOOSE: i32 = 2;
const CONTIGUOUS_RUN: i32 = 16;
/** `Sequence.updateIds` */
const IDS_UNCHECKED: i32 = 0;
const IDS_AUTO: i32 = 1;
const IDS_FIRST: i32 = 2;
const IDS_PREVIOUS: i32 = 3;
/** `Sequence.nativeRule` */
const NATIVE_BY_ID: i32 = 1;
const NATIVE_COUNTS: i32 = 2;
/** `Sequence.nativeMode`, as of market-sequence.ts. */
const NATIVE_UNKNOWN: i32 = 0;
const NATIVE_IS_UPDATE_ID: i32 = 1;

/** The record sequence of one log. */
// @ts-ignore: decorator
@unmanaged
export class Session {
  last: u64;
  /** 1 once a record was seen. */
  has: i32;
  /** 1: the market's events are looked for here, and it knows all gaps of this session. */
  isMarkets: i32;
}

/** As of sequence-counter.ts. */
// @ts-ignore: decorator
@unmanaged
class Counter {
  value: u64;
  record: u64;
  has: i32;
  events: i32;
  followsRecord: i32;
  hasOther: i32;
}

/** Of one market. */
// @ts-ignore: decorator
@unmanaged
export class Sequence {
  last: u64;
  first: u64;
  exchangeTs: u64;
  nativeSeq: u64;
  header: Counter;
  native: Counter;
  marketId: u32;
  /** 1: neither in quarantine nor behind a boundary that nothing has proven. */
  isSound: i32;
  phase: i32;
  hasPrevious: i32;
  style: i32;
  run: i32;
  hasOther: i32;
  nativeMode: i32;
  isComparable: i32;
  updateIds: i32;
  checksHeader: i32;
  nativeRule: i32;
  checksRecords: i32;
}

export function newSequence(): Sequence {
  const sequence = changetype<Sequence>(allocZeros(offsetof<Sequence>()));
  sequence.header = changetype<Counter>(allocZeros(offsetof<Counter>()));
  sequence.native = changetype<Counter>(allocZeros(offsetof<Counter>()));
  return sequence;
}

/** Whether a record follows the one before it in its log. */
// @ts-ignore: decorator
@inline
export function recordFollows(sequence: Sequence, session: Session, record: u64): bool {
  return session.has != 0 && (record == session.last + 1 || (sequence.checksRecords == 0 && record != 0));
}

/** Whether a book event, of at least its header's length, passes; then the sequences have come to it, that of its record too. */
export function passBookEvent(sequence: Sequence, session: Session, record: u64, at: usize, length: u32): bool {
  if (!recordFollows(sequence, session, record) || session.isMarkets == 0 || sequence.isSound == 0) return false;
  if (load<u32>(at, MARKET_ID) != sequence.marketId) return false;
  const kind = <i32>load<u16>(at, EVENT_TYPE);
  if (kind == EVENT_DIFF) {
    if (length < DIFF_BYTES) return false;
  } else if (kind != DIFF_OF_ORDERS || length < L3_BYTES || <i32>load<u8>(at, L3_KIND) == L3_RESET) return false;
  const header = sequence.checksHeader != 0 ? stepOf(sequence.header, load<u64>(at, SEQ), record) : UNCHECKED;
  if (header == REFUSED) return false;
  const native = sequence.nativeRule == NATIVE_COUNTS ? stepOf(sequence.native, load<u64>(at, NATIVE_SEQ), record) : UNCHECKED;
  if (native == REFUSED) return false;
  if (kind == EVENT_DIFF && sequence.updateIds != IDS_UNCHECKED && !passIds(sequence, at)) return false;
  advance(sequence.header, load<u64>(at, SEQ), record, header);
  advance(sequence.native, load<u64>(at, NATIVE_SEQ), record, native);
  session.last = record;
  sequence.isComparable = 1;
  if (load<u64>(at, EXCHANGE_TS) != 0) sequence.exchangeTs = load<u64>(at, EXCHANGE_TS);
  if (load<u64>(at, NATIVE_SEQ) != 0) sequence.nativeSeq = load<u64>(at, NATIVE_SEQ);
  return true;
}

/** Whether the ids of a diff go on with the chain, which then has come to it: the last check of a message. */
function passIds(sequence: Sequence, at: usize): bool {
  const first = load<u64>(at, FIRST_ID);
  const last = load<u64>(at, LAST_ID);
  const previous = load<u64>(at, PREVIOUS_ID);
  if ((first | last | previous) == 0) return true;
  if (sequence.phase != RUNNING) return false;
  // A carry into the high word is left to the policy.
  const follows = first == sequence.last + 1 && <u32>first != 0;
  const rule = sequence.updateIds;
  const usesPrevious = rule == IDS_AUTO ? previous != 0 || sequence.hasPrevious != 0 : rule != IDS_FIRST;
  if (usesPrevious) {
    if (previous != sequence.last || !(follows || rule == IDS_PREVIOUS || sequence.style == LOOSE)) return false;
  } else if (!follows) return false;
  if (sequence.nativeRule == NATIVE_BY_ID) {
    const native = load<u64>(at, NATIVE_SEQ);
    if (sequence.nativeMode == NATIVE_UNKNOWN) return false;
    if (native != last && native != 0 && sequence.nativeMode == NATIVE_IS_UPDATE_ID) return false;
  }
  if (previous != 0) sequence.hasPrevious = 1;
  if (follows && usesPrevious && rule == IDS_AUTO && sequence.style == UNDECIDED && ++sequence.run == CONTIGUOUS_RUN) sequence.style = CONTIGUOUS;
  sequence.first = first;
  sequence.last = last;
  sequence.hasOther = 0;
  return true;
}

const REFUSED: i32 = 0;
const UNCHECKED: i32 = 1;
const BY_EVENTS: i32 = 2;
const BY_RECORDS: i32 = 3;

/** How a value goes on from the last one; 0 means none. Carries are left to the policy. */
function stepOf(counter: Counter, value: u64, record: u64): i32 {
  if (value == 0) return UNCHECKED;
  if (counter.has == 0 || value >>> 32 != counter.value >>> 32) return REFUSED;
  const step = <u32>value - <u32>counter.value;
  if (step == 0) return REFUSED;
  if (step == <u32>counter.events + 1) return BY_EVENTS;
  return step == <u32>record - <u32>counter.record && record >>> 32 == counter.record >>> 32 ? BY_RECORDS : REFUSED;
}

// @ts-ignore: decorator
@inline
function advance(counter: Counter, value: u64, record: u64, step: i32): void {
  if (step == UNCHECKED) return;
  if (step == BY_RECORDS) counter.followsRecord = 1;
  counter.value = value;
  counter.record = record;
  counter.events = 0;
  counter.hasOther = 0;
}
