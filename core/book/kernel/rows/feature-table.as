// The built-in columns of a feature table: what they count up, their values, and a block of rows of them. What each column is says
// core/features/columns; TypeScript side: core/features/rows/kernel-columns.ts.

import { alloc, allocZeros } from "../memory";
import { depthSum, sumToPrice, topLevels } from "../side-reading";
import { Side } from "../side-window";
import { BookView, priceUnitOf, sizeUnitOf } from "./book-view";
import { addFlow, clearFlow, flowValue, lookFlow, newOrderFlow, OrderFlow } from "./order-flow";
import { addTrade, isTrade, newTradeBar, nextBar, TradeBar } from "./trade-bar";
import { sumValue } from "./decimal-sum";

// What a column is: `Column.what`. As of kernel-column.ts.
const MID: i32 = 0;
const SPREAD_BPS: i32 = 1;
const MICRO_PRICE: i32 = 2;
const IMBALANCE: i32 = 3;
const BID_DEPTH: i32 = 4;
const ASK_DEPTH: i32 = 5;
const BID_PRICE: i32 = 6;
const BID_SIZE: i32 = 7;
const ASK_PRICE: i32 = 8;
const ASK_SIZE: i32 = 9;
const OPEN: i32 = 10;
const HIGH: i32 = 11;
const LOW: i32 = 12;
const CLOSE: i32 = 13;
const VOLUME: i32 = 14;
const VWAP: i32 = 15;
const COUNT: i32 = 16;
const BUY_VOLUME: i32 = 17;
const OFI: i32 = 18;

// @ts-ignore: decorator
@unmanaged
class Column {
  what: i32;
  /** Of `top`: the level, from 0 on. */
  level: i32;
  /** Levels of an imbalance; of a depth, its bound as a multiple of the mid. */
  param: f64;
  /** Among all columns. */
  place: i32;
}

const COLUMN_BYTES: usize = offsetof<Column>();

// @ts-ignore: decorator
@unmanaged
export class FeatureTable {
  /** Before this time, nanoseconds since the epoch, windows are not whole. */
  wholeFrom: u64;
  /** Rows in the block, and how many it takes. */
  rows: i32;
  capacity: i32;
  /** A gap lies in what is counted since the row before. */
  touched: i32;
  count: i32;
  /** By row: micro- and nanoseconds since the epoch; place of the message, and 1 where it has one; gap. */
  micros: usize;
  times: usize;
  seqs: usize;
  hasSeq: usize;
  gaps: usize;
  /** By column, then row: f64, of `COUNT` i64, and 1 where there is a value. */
  values: usize;
  valid: usize;
  /** By row, f64: best bids, best asks, and the sizes of both. */
  quotes: usize;
  columns: usize;
  /** Addresses of the columns that are made at each row; those of quotes are made at the end of a block. */
  rowColumns: usize;
  rowCount: i32;
  view: BookView;
  bar: TradeBar | null;
  flow: OrderFlow | null;
  /** Best levels that a column asks for; prices and sizes of bids, then of asks. */
  levels: i32;
  top: usize;
}

export function newFeatureTable(view: BookView, columns: i32): FeatureTable {
  const table = changetype<FeatureTable>(allocZeros(offsetof<FeatureTable>()));
  table.view = view;
  table.columns = allocZeros(<usize>columns * COLUMN_BYTES);
  table.rowColumns = alloc(<usize>columns << 2);
  return table;
}

/** Adds a column; as many as were announced. */
export function addColumn(table: FeatureTable, what: i32, level: i32, param: f64): void {
  const column = columnAt(table, table.count);
  column.what = what;
  column.level = level;
  column.param = param;
  column.place = table.count++;
  if (what > MICRO_PRICE) store<u32>(table.rowColumns + (<usize>(table.rowCount++) << 2), changetype<usize>(column));
  if (what == OFI && table.flow === null) table.flow = newOrderFlow();
  if (what >= OPEN && what <= BUY_VOLUME && table.bar === null) table.bar = newTradeBar();
  if (what >= BID_PRICE && what <= ASK_SIZE && level >= table.levels) {
    table.levels = level + 1;
    table.top = alloc(<usize>table.levels << 5);
  }
}

/** Makes the block of rows: once, where rows are made by runs. @param capacity even */
export function addRowBlock(table: FeatureTable, capacity: i32): void {
  table.capacity = capacity;
  table.micros = alloc(<usize>capacity << 3);
  table.times = alloc(<usize>capacity << 3);
  table.seqs = alloc(<usize>capacity << 3);
  table.hasSeq = alloc(<usize>capacity);
  table.gaps = alloc(<usize>capacity);
  table.values = alloc(<usize>(capacity * table.count) << 3);
  table.valid = alloc(<usize>(capacity * table.count));
  table.quotes = alloc(<usize>capacity << 5);
}

/** A start, or messages are missing: what depends on continuity begins anew. */
export function resetTable(table: FeatureTable): void {
  const flow = table.flow;
  if (flow !== null) lookFlow(flow, table.view);
}

/** A book event was applied. */
export function tellBookEvent(table: FeatureTable, restarted: bool): void {
  const flow = table.flow;
  if (flow === null) return;
  if (restarted) lookFlow(flow, table.view);
  else addFlow(flow, table.view);
}

/** Whether the columns can use a trade, where they hear of trades. */
export function usesTrade(table: FeatureTable, price: f64, quantity: f64): bool {
  return table.bar === null || isTrade(price, quantity);
}

/** A trade that the columns can use. */
export function tellTrade(table: FeatureTable, price: f64, quantity: f64, isBuy: bool): void {
  const bar = table.bar;
  if (bar !== null) addTrade(bar, price, quantity, isBuy);
}

/** What is counted per row starts again. */
export function nextTableRow(table: FeatureTable): void {
  const bar = table.bar;
  if (bar !== null) nextBar(bar);
  const flow = table.flow;
  if (flow !== null) clearFlow(flow);
}

/** Writes the value of each column to `to`. */
export function readValues(table: FeatureTable, to: usize): void {
  lookAtTop(table);
  const view = table.view;
  const unit = priceUnitOf(view);
  const bid = view.bids.bestPrice / unit;
  const ask = view.asks.bestPrice / unit;
  for (let i = 0; i < table.count; i++) {
    const column = columnAt(table, i);
    const what = column.what;
    const isQuote = what <= MICRO_PRICE;
    store<f64>(to + (<usize>i << 3), isQuote ? quoteOf(what, bid, ask, view.bids.bestSize, view.asks.bestSize) : valueOf(table, column));
  }
}

/** Puts a row into the block, which has room for it. @param isPlaced whether the message has a place */
export function putRow(table: FeatureTable, time: u64, seq: u64, isPlaced: bool): void {
  lookAtTop(table);
  const row = table.rows++;
  const at = <usize>row << 3;
  store<u64>(table.micros + at, time / 1000);
  store<u64>(table.times + at, time);
  store<u64>(table.seqs + at, seq);
  store<u8>(table.hasSeq + row, u8(isPlaced));
  store<u8>(table.gaps + row, u8(table.touched != 0 || time < table.wholeFrom));
  putQuote(table, at);
  for (let i = 0; i < table.rowCount; i++) {
    const column = changetype<Column>(<usize>load<u32>(table.rowColumns + (<usize>i << 2)));
    const value = valueOf(table, column);
    const index = column.place * table.capacity + row;
    store<u8>(table.valid + index, u8(isFinite(value)));
    if (column.what == COUNT) store<i64>(table.values + (<usize>index << 3), <i64>value);
    else store<f64>(table.values + (<usize>index << 3), value);
  }
}

/** The best levels of a row; NaN where a side is empty. */
// @ts-ignore: decorator
@inline
function putQuote(table: FeatureTable, at: usize): void {
  const view = table.view;
  const unit = priceUnitOf(view);
  const side = <usize>table.capacity << 3;
  const bids = table.quotes + at;
  store<f64>(bids, view.bids.bestPrice / unit);
  store<f64>(bids + side, view.asks.bestPrice / unit);
  store<f64>(bids + 2 * side, view.bids.bestSize);
  store<f64>(bids + 3 * side, view.asks.bestSize);
}

/** Makes the columns of quotes of the rows in the block: one after the other, which takes a third of what it takes row by row. */
export function endRowBlock(table: FeatureTable): void {
  for (let i = 0; i < table.count; i++) {
    const what = columnAt(table, i).what;
    if (what == MID) fillQuotes(table, i, MID);
    else if (what == SPREAD_BPS) fillQuotes(table, i, SPREAD_BPS);
    else if (what == MICRO_PRICE) fillQuotes(table, i, MICRO_PRICE);
  }
}

// @ts-ignore: decorator
@inline
function fillQuotes(table: FeatureTable, place: i32, what: i32): void {
  const side = <usize>table.capacity << 3;
  const values = table.values + <usize>place * side;
  const valid = table.valid + <usize>(place * table.capacity);
  // Two at a time: a block has room for an even number, and what is behind an odd one is of no row.
  for (let row: usize = 0; row < <usize>table.rows; row += 2) {
    const bids = table.quotes + (row << 3);
    const two = quotesOf(what, v128.load(bids), v128.load(bids + side), v128.load(bids + 2 * side), v128.load(bids + 3 * side));
    v128.store(values + (row << 3), two);
    const finite = i64x2.bitmask(f64x2.lt(f64x2.abs(two), f64x2.splat(Infinity)));
    store<u16>(valid + row, (finite & 1) | ((finite & 2) << 7));
  }
}

/** A column of the best levels, of two rows: of their prices, NaN where a side is empty, and sizes. */
// @ts-ignore: decorator
@inline
function quotesOf(what: i32, bid: v128, ask: v128, bidSize: v128, askSize: v128): v128 {
  if (what == MICRO_PRICE) return f64x2.div(f64x2.add(f64x2.mul(bid, askSize), f64x2.mul(ask, bidSize)), f64x2.add(bidSize, askSize));
  const mid = f64x2.mul(f64x2.add(bid, ask), f64x2.splat(0.5));
  return what == MID ? mid : f64x2.mul(f64x2.div(f64x2.sub(ask, bid), mid), f64x2.splat(1e4));
}

/** Of one row. */
// @ts-ignore: decorator
@inline
function quoteOf(what: i32, bid: f64, ask: f64, bidSize: f64, askSize: f64): f64 {
  return f64x2.extract_lane(quotesOf(what, f64x2.splat(bid), f64x2.splat(ask), f64x2.splat(bidSize), f64x2.splat(askSize)), 0);
}

// @ts-ignore: decorator
@inline
function columnAt(table: FeatureTable, place: i32): Column {
  return changetype<Column>(table.columns + <usize>place * COLUMN_BYTES);
}

/** The best levels, read once a row. */
function lookAtTop(table: FeatureTable): void {
  if (table.levels == 0) return;
  const side = <usize>table.levels << 4;
  lookAtSide(table.view.bids, table.top, table.levels);
  lookAtSide(table.view.asks, table.top + side, table.levels);
}

function lookAtSide(side: Side, prices: usize, levels: i32): void {
  const sizes = prices + (<usize>levels << 3);
  for (let i = topLevels(side, prices, sizes, levels); i < levels; i++) {
    store<f64>(prices + (<usize>i << 3), NaN);
    store<f64>(sizes + (<usize>i << 3), NaN);
  }
}

/** A column that is not of quotes. */
function valueOf(table: FeatureTable, column: Column): f64 {
  const view = table.view;
  const what = column.what;
  if (what == IMBALANCE) {
    const bids = depthSum(view.bids, column.param);
    const asks = depthSum(view.asks, column.param);
    return (bids - asks) / (bids + asks);
  }
  if (what <= ASK_DEPTH) {
    const mid = (view.bids.bestPrice + view.asks.bestPrice) * 0.5;
    if (isNaN(mid)) return mid;
    return sumToPrice(what == BID_DEPTH ? view.bids : view.asks, mid * column.param) / sizeUnitOf(view);
  }
  if (what <= ASK_SIZE) {
    const value = load<f64>(table.top + (<usize>((what - BID_PRICE) * table.levels + column.level) << 3));
    return value / (what == BID_PRICE || what == ASK_PRICE ? priceUnitOf(view) : sizeUnitOf(view));
  }
  return what == OFI ? flowValue(table.flow!) : barValueOf(table.bar!, what);
}

function barValueOf(bar: TradeBar, what: i32): f64 {
  if (what == OPEN) return bar.open;
  if (what == HIGH) return bar.high;
  if (what == LOW) return bar.low;
  if (what == CLOSE) return bar.close;
  if (what == VOLUME) return sumValue(bar.volume);
  if (what == VWAP) return sumValue(bar.notional) / sumValue(bar.volume);
  return what == COUNT ? bar.count : sumValue(bar.buyVolume);
}
