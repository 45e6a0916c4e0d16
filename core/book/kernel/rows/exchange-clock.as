// The common case of the exchange's clock: a message whose time is believed and whose bar is open. What it is, and what else there
// is, says core/features/clocks/exchange-clock.ts, which reads and writes this.

import { allocZeros } from "../memory";
import { EXCHANGE_TS } from "../event";
import { ENTRY_BYTES, ENTRY_GAP, ENTRY_GAP_OPEN, ENTRY_LENGTH, ENTRY_PATH, ENTRY_POSITION, ENTRY_RECORD_TIME, ENTRY_TIME, ENTRY_TYPE, ENTRY_VERDICT, hasRoom, HeldMessages, holdEntry, newHeldMessages } from "./held-messages";
import { ENDED, isBookRow, isPayload, MessageRun, passTrade, payloadOf, REFUSED, sourceOf } from "./message-run";
import { passBookEvent } from "./sequence";

const TRADE_TIME: usize = 0;

// @ts-ignore: decorator
@unmanaged
export class ExchangeClock {
  /** Microseconds since the epoch: the latest record, and the latest book event. */
  recordMicros: f64;
  bookMicros: f64;
  /** Bars below this are closed. */
  firstOpen: f64;
  barMicros: f64;
  skewMicros: f64;
  held: HeldMessages;
}

export function newExchangeClock(barMicros: f64, skewMicros: f64): ExchangeClock {
  const clock = changetype<ExchangeClock>(allocZeros(offsetof<ExchangeClock>()));
  clock.recordMicros = -Infinity;
  clock.bookMicros = -Infinity;
  clock.firstOpen = -Infinity;
  clock.barMicros = barMicros;
  clock.skewMicros = skewMicros;
  clock.held = newHeldMessages();
  return clock;
}

/** Puts rows aside as far as it can; says why it ended, as `runMessages` does. */
export function holdMessages(run: MessageRun, clock: ExchangeClock): i32 {
  const held = clock.held;
  const barMicros = clock.barMicros;
  const skewMicros = clock.skewMicros;
  for (; run.row < run.end; run.row++) {
    const row = <usize>run.row;
    const payload = payloadOf(run, row);
    if (!isPayload(payload)) return <i32>payload;
    const isBook = isBookRow(run, row);
    const record = load<u64>(run.times + (row << 3));
    const arrival = <f64>(record / 1000);
    const time = load<u64>(payload + (isBook ? EXCHANGE_TS : TRADE_TIME));
    const micros = <f64>(time / 1000);
    if (!(abs(micros - arrival) <= skewMicros)) return REFUSED;
    const isLatest = arrival > clock.recordMicros;
    const firstOpen = isLatest ? floor((arrival - skewMicros) / barMicros) : clock.firstOpen;
    const index = floor(micros / barMicros);
    if (isBook ? !(micros >= clock.bookMicros && micros >= firstOpen * barMicros) : index < firstOpen) return REFUSED;
    const length = load<u32>(run.lengths + (row << 2));
    if (!hasRoom(held, length)) return REFUSED;
    const source = sourceOf(run, row);
    const session = source.session;
    const seq = load<u64>(run.seqs + (row << 3));
    if (isBook ? !passBookEvent(run.sequence, session, seq, payload, length) : !passTrade(run, session, seq, payload)) return REFUSED;
    if (isLatest) {
      clock.recordMicros = arrival;
      clock.firstOpen = firstOpen;
    }
    if (isBook) clock.bookMicros = micros;
    const entry = holdEntry(held, index, length);
    store<f64>(entry, micros);
    store<u64>(entry, time, ENTRY_TIME);
    store<u32>(entry, (source.start + load<u32>(run.offsets + (row << 2))) >>> 6, ENTRY_POSITION);
    store<i32>(entry, source.segment, ENTRY_POSITION + 4);
    store<u32>(entry, length, ENTRY_LENGTH);
    store<u32>(entry, load<u16>(run.types + (row << 1)), ENTRY_TYPE);
    store<u32>(entry, 0, ENTRY_VERDICT);
    store<u32>(entry, 0, ENTRY_GAP);
    store<u32>(entry, 0, ENTRY_GAP_OPEN);
    store<u32>(entry, source.path, ENTRY_PATH);
    store<u64>(entry, record, ENTRY_RECORD_TIME);
    memory.copy(entry + ENTRY_BYTES, payload, length);
  }
  return ENDED;
}
