// An L3 book: orders by id, and per price a queue in priority order. What it is, and what it refuses, says l3-book.ts.

import { allocZeros } from "./memory";
import { isExactProduct, isExactU64, MAX_EXACT, powerOfTen } from "./exact";
import { EVENT_DIFF, EVENT_TYPE, EXCHANGE_TS, judgeHeader, MAX_SCALE, MODE_L3, RECORD_LENGTH, STREAM_ID } from "./event";
import { areOrdersScalable, clearOrders, findOrder, insertOrder, newOrders, Order, orderAt, Orders, removeOrder, scaleOrders } from "./order-store";
import { appendOrder, clearLevels, detachOrder, hasRoom, Levels, newLevels, resizeOrder, scaleLevels } from "./price-levels";
import {
  APPLIED, CORRUPT_EVENT, CORRUPT_LENGTH, HEARTBEAT, INVALID_ORDER, OTHER_CHANNEL, OUT_OF_RANGE, TOO_MANY_ORDERS, UNKNOWN_ORDER,
  UNREPRESENTABLE_PRICE, UNREPRESENTABLE_SIZE,
} from "./results";
import { canScale } from "./side";

// Bytes of the payload: core/protocol/l3-event.ts.
const L3_BYTES: u32 = 128;
const KIND: usize = 64;
const SIDE: usize = 65;
const ORDER_TYPE: usize = 66;
const PRICE_SCALE: usize = 68;
const SIZE_SCALE: usize = 69;
const FLAGS: usize = 72;
const ORDER_ID: usize = 80;
const BID_ORDER_ID: usize = 88;
const ASK_ORDER_ID: usize = 96;
const PRICE: usize = 104;
const QUANTITY: usize = 112;
const ADD: i32 = 1;
const CANCEL: i32 = 2;
const MODIFY: i32 = 3;
const TRADE: i32 = 4;
const RESET: i32 = 5;
const ORDER_HEARTBEAT: i32 = 6;
const BUY: i32 = 1;
const SELL: i32 = 2;
const PRICE_IS_MARKET: u32 = 1;
const TWO_63: u64 = 0x8000000000000000;

// @ts-ignore: decorator
@unmanaged
export class L3Book {
  orders: Orders;
  bids: Levels;
  asks: Levels;
  /** Decimals; −1 before the first event. */
  priceScale: i32;
  sizeScale: i32;
  /** stream_id of the first event; −1 before. */
  channel: i64;
}

export function newL3Book(): L3Book {
  const book = changetype<L3Book>(allocZeros(offsetof<L3Book>()));
  book.orders = newOrders();
  book.bids = newLevels(1, book.orders);
  book.asks = newLevels(-1, book.orders);
  book.priceScale = -1;
  book.sizeScale = -1;
  book.channel = -1;
  return book;
}

export function clearL3(book: L3Book): void {
  clearOrders(book.orders);
  clearLevels(book.bids);
  clearLevels(book.asks);
}

/** Applies the book event of `length` bytes at `at`; what became of it. */
export function applyL3(book: L3Book, at: usize, length: u32): i32 {
  const refused = judgeHeader(at, length, MODE_L3);
  if (refused >= 0) return refused;
  if (<i32>load<u8>(at, EVENT_TYPE) != EVENT_DIFF) return CORRUPT_EVENT;
  if (length < L3_BYTES || load<u32>(at, RECORD_LENGTH) != L3_BYTES) return CORRUPT_LENGTH;
  const channel = <i64>load<u32>(at, STREAM_ID);
  if (channel != book.channel && book.channel >= 0) return OTHER_CHANNEL;

  const event = <i32>load<u8>(at, KIND);
  if (event < ADD || event > ORDER_HEARTBEAT) return CORRUPT_EVENT;
  if (event == ADD) {
    if (<i32>load<u8>(at, SIDE) > SELL) return CORRUPT_EVENT;
    if (load<u64>(at, ORDER_ID) == 0) return INVALID_ORDER;
  }
  const priceScale = <i32>load<u8>(at, PRICE_SCALE);
  const sizeScale = <i32>load<u8>(at, SIZE_SCALE);
  // The price of a cancel or trade, and everything of a reset or heartbeat, is not used.
  const wholePrice: u64 = event == ADD || event == MODIFY ? load<u64>(at, PRICE) : 0;
  const wholeQuantity: u64 = event >= RESET ? 0 : load<u64>(at, QUANTITY);
  if (event == RESET && priceScale <= MAX_SCALE && sizeScale <= MAX_SCALE) clearL3(book);
  let price = <f64>wholePrice;
  let quantity = <f64>wholeQuantity;
  // As doubles: what rounds to 2^63 is judged below.
  if (price > <f64>TWO_63) return UNREPRESENTABLE_PRICE;
  if (quantity > <f64>TWO_63) return UNREPRESENTABLE_SIZE;
  if (price >= MAX_EXACT && !isExactU64(wholePrice)) return OUT_OF_RANGE;
  if (priceScale != book.priceScale || sizeScale != book.sizeScale) {
    if (!agreeOnScale(book, priceScale, sizeScale, price, quantity)) return OUT_OF_RANGE;
    price *= powerOfTen(book.priceScale - priceScale);
    quantity *= powerOfTen(book.sizeScale - sizeScale);
  } else if (quantity >= MAX_EXACT) return OUT_OF_RANGE;

  book.channel = channel;
  if (event == ADD) return add(book, at, price, quantity);
  if (event == CANCEL) return cancel(book, at, quantity);
  if (event == MODIFY) return modify(book, at, price, quantity);
  if (event == TRADE) return trade(book, at, quantity);
  return event == RESET ? APPLIED : HEARTBEAT;
}

function add(book: L3Book, at: usize, price: f64, quantity: f64): i32 {
  const id = load<u64>(at, ORDER_ID);
  const flags = load<u32>(at, FLAGS);
  const side = <u32>load<u8>(at, SIDE);
  const isResting = (side == BUY || side == SELL) && price > 0 && (flags & PRICE_IS_MARKET) == 0;
  if (isResting && !hasRoom(levelsOf(book, side), price, quantity)) return OUT_OF_RANGE;
  const old = findOrder(book.orders, id);
  if (old >= 0) remove(book, old);
  const slot = insertOrder(book.orders, id);
  if (slot < 0) return TOO_MANY_ORDERS;
  const order = orderAt(book.orders, slot);
  order.level = -1;
  order.flags = flags;
  order.sideAndType = side | (<u32>load<u8>(at, ORDER_TYPE) << 8);
  order.price = price;
  order.quantity = quantity;
  order.lastExchangeTs = load<u64>(at, EXCHANGE_TS);
  if (isResting) appendOrder(levelsOf(book, side), slot);
  return APPLIED;
}

function cancel(book: L3Book, at: usize, quantity: f64): i32 {
  const id = load<u64>(at, ORDER_ID);
  if (id == 0) return APPLIED;
  return reduce(book, id, quantity, at) ? APPLIED : UNKNOWN_ORDER;
}

function trade(book: L3Book, at: usize, quantity: f64): i32 {
  const bid = load<u64>(at, BID_ORDER_ID);
  const ask = load<u64>(at, ASK_ORDER_ID);
  if ((bid | ask) == 0) return cancel(book, at, quantity);
  let isKnown = true;
  if (bid != 0) isKnown = reduce(book, bid, quantity, at);
  if (ask != 0) isKnown = reduce(book, ask, quantity, at) && isKnown;
  return isKnown ? APPLIED : UNKNOWN_ORDER;
}

function modify(book: L3Book, at: usize, newPrice: f64, newQuantity: f64): i32 {
  const id = load<u64>(at, ORDER_ID);
  if (id == 0) return APPLIED;
  const slot = findOrder(book.orders, id);
  if (slot < 0) return UNKNOWN_ORDER;
  const order = orderAt(book.orders, slot);
  const side = order.sideAndType & 0xff;
  const price = newPrice == 0 ? order.price : newPrice;
  const quantity = newQuantity == 0 ? order.quantity : newQuantity;
  const wasResting = order.level >= 0;
  const isMarket = (load<u32>(at, FLAGS) & PRICE_IS_MARKET) != 0;
  const isResting = (side == BUY || side == SELL) && price > 0 && !isMarket;
  if (isResting && !hasRoom(levelsOf(book, side), price, quantity)) return OUT_OF_RANGE;
  order.lastExchangeTs = load<u64>(at, EXCHANGE_TS);
  if (isResting && wasResting && price == order.price) {
    resizeOrder(levelsOf(book, side), order, quantity);
    return APPLIED;
  }
  if (wasResting) detachOrder(levelsOf(book, side), order);
  order.price = price;
  order.quantity = quantity;
  if (isResting) appendOrder(levelsOf(book, side), slot);
  return APPLIED;
}

/** Takes `quantity` (0 = all) off an order, and the order out when nothing is left. False when it is unknown. */
function reduce(book: L3Book, id: u64, quantity: f64, at: usize): bool {
  const slot = findOrder(book.orders, id);
  if (slot < 0) return false;
  const order = orderAt(book.orders, slot);
  const left = order.quantity - quantity;
  if (quantity == 0 || left <= 0) {
    remove(book, slot);
    return true;
  }
  order.lastExchangeTs = load<u64>(at, EXCHANGE_TS);
  if (order.level < 0) order.quantity = left;
  else resizeOrder(levelsOf(book, order.sideAndType & 0xff), order, left);
  return true;
}

function remove(book: L3Book, slot: i32): void {
  const order = orderAt(book.orders, slot);
  if (order.level >= 0) detachOrder(levelsOf(book, order.sideAndType & 0xff), order);
  removeOrder(book.orders, slot);
}

// @ts-ignore: decorator
@inline
function levelsOf(book: L3Book, side: u32): Levels {
  return side == BUY ? book.bids : book.asks;
}

/** As of an L2 book; an empty one takes the event's scales. False, and nothing changed, when a value would not be exact. */
function agreeOnScale(book: L3Book, priceScale: i32, sizeScale: i32, price: f64, quantity: f64): bool {
  if (priceScale > MAX_SCALE || sizeScale > MAX_SCALE) return false;
  const isEmpty = book.orders.count == 0;
  const finerPrice = isEmpty ? priceScale : max(priceScale, book.priceScale);
  const finerSize = isEmpty ? sizeScale : max(sizeScale, book.sizeScale);
  if (!isExactProduct(price, powerOfTen(finerPrice - priceScale)) || quantity * powerOfTen(finerSize - sizeScale) >= MAX_EXACT) return false;
  if (!isEmpty && !rescale(book, powerOfTen(finerPrice - book.priceScale), powerOfTen(finerSize - book.sizeScale))) return false;
  book.priceScale = finerPrice;
  book.sizeScale = finerSize;
  return true;
}

function rescale(book: L3Book, priceFactor: f64, sizeFactor: f64): bool {
  if (priceFactor == 1 && sizeFactor == 1) return true;
  if (!areOrdersScalable(book.orders, priceFactor, sizeFactor)) return false;
  if (!canScale(book.bids.totals, priceFactor, sizeFactor) || !canScale(book.asks.totals, priceFactor, sizeFactor)) return false;
  scaleOrders(book.orders, priceFactor, sizeFactor);
  scaleLevels(book.bids, priceFactor, sizeFactor);
  scaleLevels(book.asks, priceFactor, sizeFactor);
  return true;
}
