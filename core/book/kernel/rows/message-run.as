// A run of messages of one market in the order of their records: sequences are followed, events applied, columns told and rows made
// in one call, which ends where JavaScript has something to do. TypeScript side: core/features/message-run.ts.

import { alloc, allocZeros } from "../memory";
import { APPLIED } from "../results";
import { applyL2 } from "../l2-book";
import { applyL3 } from "../l3-book";
import { MODE_L3 } from "../event";
import { BookView } from "./book-view";
import { bookTriggers, EventTrigger, tradeTriggers } from "./event-trigger";
import { FeatureTable, nextTableRow, putRow, tellBookEvent, tellTrade, usesTrade } from "./feature-table";
import { passBookEvent, recordFollows, Sequence, Session } from "./sequence";

const HEADER_BYTES: u64 = 64;
export const TYPE_BOOK_EVENT: u32 = 0x1000;
export const TYPE_TRADE: u32 = 0x1002;
/** Bytes of a trade, and of the header of a book event. */
const LEAST_BYTES: u32 = 64;
const BOOK_MODE: usize = 57;
export const TRADE_PRICE: usize = 8;
export const TRADE_QUANTITY: usize = 16;
export const TRADE_IS_BUYER_MAKER: usize = 48;
const TRADE_SYMBOL_HASH: usize = 56;

// Why a call ended.
/** All rows were taken. */
export const ENDED: i32 = 0;
/** The payload of the next row is not in its window. */
const OUTSIDE: i32 = 1;
/** The next row, of which nothing was done, is for the engine. */
export const REFUSED: i32 = 2;
/** Sequences and book have come to the next row; the engine has to hear of it, or to make a row: `result`, `isRow`. */
const TOLD: i32 = 3;
/** The block of rows is full. */
const FULL: i32 = 4;

/** A buffer of a batch. */
// @ts-ignore: decorator
@unmanaged
export class Source {
  /** Bytes of the buffer that are there, and what makes an offset in it an address. */
  windowStart: u32;
  windowEnd: u32;
  shift: usize;
  session: Session;
  /** Where the buffer starts in its segment; number of that, −1: none. */
  start: u32;
  segment: i32;
  /** Of messages that are put aside: number of its log's path. */
  path: u32;
}

const SOURCE_BYTES: usize = offsetof<Source>();

// @ts-ignore: decorator
@unmanaged
export class MessageRun {
  /** Nanoseconds since the epoch: the latest so far, and from where on the engine has something to do. */
  clock: u64;
  until: u64;
  /** The next row, and the end of rows. */
  row: u32;
  end: u32;
  /** Columns: u32 offset and length, u16 type and buffer, u64 sequence and time. */
  offsets: usize;
  lengths: usize;
  types: usize;
  buffers: usize;
  seqs: usize;
  times: usize;
  sources: usize;
  view: BookView;
  sequence: Sequence;
  trigger: EventTrigger;
  /** Addresses of tables. */
  tables: usize;
  tableCount: i32;
  takesBook: i32;
  takesTrades: i32;
  /** Of trades. */
  tradeMarket: u32;
  /** JavaScript has to hear of each trade. */
  hearsTrades: i32;
  /** What becomes of rows: 0: the engine makes them, 1: they go into the block of the first table, 2: they are not written. */
  rowsTo: i32;
  /** Of the row that the call ended at. */
  result: i32;
  isRow: i32;
  /** Messages done with, the one that JavaScript has to hear of left out; and the last of them. */
  bookEvents: u32;
  trades: u32;
  lastRow: u32;
  /** Addresses of the tables that count up book events, and of those that count up trades: of many variants mostly none. */
  flows: usize;
  bars: usize;
  flowCount: i32;
  barCount: i32;
}

export const ROWS_BY_ENGINE: i32 = 0;
export const ROWS_TO_BLOCK: i32 = 1;

/** @param rows that the columns take @param sources, tables at most */
export function newMessageRun(view: BookView, sequence: Sequence, trigger: EventTrigger, rows: i32, sources: i32, tables: i32): MessageRun {
  const run = changetype<MessageRun>(allocZeros(offsetof<MessageRun>()));
  const count = <usize>rows;
  run.offsets = alloc(count << 2);
  run.lengths = alloc(count << 2);
  run.types = alloc(count << 1);
  run.buffers = alloc(count << 1);
  run.seqs = alloc(count << 3);
  run.times = alloc(count << 3);
  run.sources = allocZeros(<usize>sources * SOURCE_BYTES);
  run.tables = allocZeros(<usize>tables << 2);
  run.flows = allocZeros(<usize>tables << 2);
  run.bars = allocZeros(<usize>tables << 2);
  run.view = view;
  run.sequence = sequence;
  run.trigger = trigger;
  return run;
}

/** Adds a table, whose columns it has. */
export function addTable(run: MessageRun, table: FeatureTable): void {
  const address = changetype<usize>(table);
  store<u32>(run.tables + (<usize>(run.tableCount++) << 2), address);
  if (table.flow !== null) store<u32>(run.flows + (<usize>(run.flowCount++) << 2), address);
  if (table.bar !== null) store<u32>(run.bars + (<usize>(run.barCount++) << 2), address);
}

/** The clock in two words, and when the engine has something to do, in microseconds since the epoch; that may be never. */
export function setRunTimes(run: MessageRun, clockLow: u32, clockHigh: u32, untilMicros: f64): void {
  run.clock = (<u64>clockHigh << 32) | <u64>clockLow;
  run.until = untilMicros < 9223372036854775 ? <u64>untilMicros * 1000 : 0x8000000000000000;
}

/** Takes rows as far as it can; says why it ended. */
export function runMessages(run: MessageRun): i32 {
  for (; run.row < run.end; run.row++) {
    const row = <usize>run.row;
    const time = load<u64>(run.times + (row << 3));
    if (time < run.clock) return REFUSED;
    const payload = payloadOf(run, row);
    if (!isPayload(payload)) return <i32>payload;
    const isBook = isBookRow(run, row);
    const source = sourceOf(run, row);
    const record = load<u64>(run.seqs + (row << 3));
    const length = load<u32>(run.lengths + (row << 2));
    if (isBook ? !takeBookEvent(run, source.session, record, payload, length) : !takeTrade(run, source.session, record, payload)) return REFUSED;
    run.clock = time;
    if (run.result != APPLIED || (run.isRow != 0 && run.rowsTo == ROWS_BY_ENGINE) || (!isBook && run.hearsTrades != 0)) return TOLD;
    if (isBook) run.bookEvents++;
    else run.trades++;
    run.lastRow = <u32>row;
    if (run.isRow != 0 && endRow(run, source, time, load<u32>(run.offsets + (row << 2)))) {
      run.row++;
      return FULL;
    }
  }
  return ENDED;
}

/** Address of the payload of a row that may be taken; else why it may not, which `isPayload` tells apart: OUTSIDE or REFUSED. */
// @ts-ignore: decorator
@inline
export function payloadOf(run: MessageRun, row: usize): usize {
  const type = <u32>load<u16>(run.types + (row << 1));
  if (type == TYPE_BOOK_EVENT ? run.takesBook == 0 : type != TYPE_TRADE || run.takesTrades == 0) return REFUSED;
  const length = load<u32>(run.lengths + (row << 2));
  if (load<u64>(run.times + (row << 3)) >= run.until || length < LEAST_BYTES) return REFUSED;
  const source = sourceOf(run, row);
  const from = <u64>load<u32>(run.offsets + (row << 2)) + HEADER_BYTES;
  if (from < <u64>source.windowStart || from + length > <u64>source.windowEnd) return OUTSIDE;
  return <usize>from + source.shift;
}

// @ts-ignore: decorator
@inline
export function isPayload(address: usize): bool {
  return address > <usize>REFUSED;
}

/** Whether a row that may be taken is a book event; else it is a trade. */
// @ts-ignore: decorator
@inline
export function isBookRow(run: MessageRun, row: usize): bool {
  return <u32>load<u16>(run.types + (row << 1)) == TYPE_BOOK_EVENT;
}

// @ts-ignore: decorator
@inline
export function sourceOf(run: MessageRun, row: usize): Source {
  return changetype<Source>(run.sources + <usize>load<u16>(run.buffers + (row << 1)) * SOURCE_BYTES);
}

/** Whether a trade is of the market and its record in order; then the sequence has come to it. */
// @ts-ignore: decorator
@inline
export function passTrade(run: MessageRun, session: Session, record: u64, payload: usize): bool {
  if (!isTradeInOrder(run, session, record, payload)) return false;
  session.last = record;
  return true;
}

// @ts-ignore: decorator
@inline
function isTradeInOrder(run: MessageRun, session: Session, record: u64, payload: usize): bool {
  const market = load<u32>(payload, TRADE_SYMBOL_HASH) ^ load<u32>(payload, TRADE_SYMBOL_HASH + 4);
  return market == run.tradeMarket && recordFollows(run.sequence, session, record);
}

/** False: it is for the engine, and nothing was done. */
function takeBookEvent(run: MessageRun, session: Session, record: u64, payload: usize, length: u32): bool {
  const view = run.view;
  const isL3 = <i32>load<u8>(payload, BOOK_MODE) == MODE_L3;
  if (isL3 != (view.l3 !== null)) return false;
  if (!passBookEvent(run.sequence, session, record, payload, length)) return false;
  run.isRow = 0;
  run.result = isL3 ? applyL3(view.l3!, payload, length) : applyL2(view.l2!, payload, length);
  if (run.result != APPLIED) return true;
  for (let i = 0; i < run.flowCount; i++) tellBookEvent(tableAt(run.flows, i), false);
  run.isRow = i32(bookTriggers(run.trigger, view, false, false));
  return true;
}

function takeTrade(run: MessageRun, session: Session, record: u64, payload: usize): bool {
  if (!isTradeInOrder(run, session, record, payload)) return false;
  const price = load<f64>(payload, TRADE_PRICE);
  const quantity = load<f64>(payload, TRADE_QUANTITY);
  for (let i = 0; i < run.barCount; i++) if (!usesTrade(tableAt(run.bars, i), price, quantity)) return false;
  session.last = record;
  run.result = APPLIED;
  const isBuy = load<u8>(payload, TRADE_IS_BUYER_MAKER) == 0;
  for (let i = 0; i < run.barCount; i++) tellTrade(tableAt(run.bars, i), price, quantity, isBuy);
  run.isRow = i32(tradeTriggers(run.trigger));
  return true;
}

/** Whether the block is full behind the row. */
function endRow(run: MessageRun, source: Source, time: u64, offset: u32): bool {
  let isFull = false;
  if (run.rowsTo == ROWS_TO_BLOCK) {
    const table = tableAt(run.tables, 0);
    const place = <u64>((source.start + offset) >>> 6) | (<u64>source.segment << 32);
    putRow(table, time, place, source.segment >= 0);
    isFull = table.rows == table.capacity;
  }
  for (let i = 0; i < run.tableCount; i++) {
    const table = tableAt(run.tables, i);
    nextTableRow(table);
    table.touched = 0;
  }
  return isFull;
}

// @ts-ignore: decorator
@inline
function tableAt(list: usize, index: i32): FeatureTable {
  return changetype<FeatureTable>(<usize>load<u32>(list + (<usize>index << 2)));
}
