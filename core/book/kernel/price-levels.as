// One side of an L3 book: price → queue of orders in priority order, and the totals per price as an L2 side.
//
// Levels are 32-byte slots with a free list, found by an open-addressing hash of the price. The queue is a
// doubly linked list through the orders' slots. A level of total 0 (orders without quantity) exists here but not in `totals`.

import { alloc, allocZeros, release } from "./memory";
import { MAX_EXACT } from "./exact";
import { Order, orderAt, Orders } from "./order-store";
import { clearSide, scaleSide, setLevel } from "./side";
import { sizeAt } from "./side-reading";
import { newSide, Side } from "./side-window";

const MIN_LEVELS: i32 = 256;
/** 2^26 of them are less than the half that large ones leave free. */
const SMALL_QUANTITY: f64 = 67108864;

// @ts-ignore: decorator
@unmanaged
class Level {
  price: f64;
  total: f64;
  /** Slots of the first and the last order; −1 = none. */
  head: i32;
  tail: i32;
  /** Orders in the queue. */
  orders: i32;
  /** Of a free slot: the next one. */
  free: i32;
}

// @ts-ignore: decorator
@unmanaged
export class Levels {
  totals: Side;
  orders: Orders;
  slots: usize;
  /** Levels there is room for; the table has twice as many positions, each a slot + 1 (0 = empty). */
  capacity: i32;
  table: usize;
  mask: i32;
  shift: i32;
  count: i32;
  free: i32;
  fresh: i32;
}

export function newLevels(sign: f64, orders: Orders): Levels {
  const levels = changetype<Levels>(allocZeros(offsetof<Levels>()));
  levels.totals = newSide(sign);
  levels.orders = orders;
  levels.free = -1;
  grow(levels, MIN_LEVELS);
  return levels;
}

export function clearLevels(levels: Levels): void {
  clearSide(levels.totals);
  memory.fill(levels.table, 0, <usize>(levels.mask + 1) << 2);
  levels.count = 0;
  levels.free = -1;
  levels.fresh = 0;
}

/** Whether the total of a level stays exact with so much more. */
export function hasRoom(levels: Levels, price: f64, quantity: f64): bool {
  return quantity < SMALL_QUANTITY || sizeAt(levels.totals, price) + quantity < MAX_EXACT / 2;
}

/** Puts an order, whose price and quantity are set, at the end of its level's queue. */
export function appendOrder(levels: Levels, slot: i32): void {
  const order = orderAt(levels.orders, slot);
  const at = findOrAdd(levels, order.price);
  const level = levelAt(levels, at);
  order.level = at;
  order.next = -1;
  order.previous = level.tail;
  if (level.tail < 0) level.head = slot;
  else orderAt(levels.orders, level.tail).next = slot;
  level.tail = slot;
  level.orders++;
  addTotal(levels, level, order.quantity);
}

/** Changes the quantity of an order that is on a level; it keeps its place. */
export function resizeOrder(levels: Levels, order: Order, quantity: f64): void {
  const change = quantity - order.quantity;
  order.quantity = quantity;
  addTotal(levels, levelAt(levels, order.level), change);
}

/** Takes an order off its level; its price and quantity stay. */
export function detachOrder(levels: Levels, order: Order): void {
  const at = order.level;
  const level = levelAt(levels, at);
  const next = order.next;
  const previous = order.previous;
  if (previous < 0) level.head = next;
  else orderAt(levels.orders, previous).next = next;
  if (next < 0) level.tail = previous;
  else orderAt(levels.orders, next).previous = previous;
  order.level = -1;
  addTotal(levels, level, -order.quantity);
  if (--level.orders == 0) removeLevel(levels, at);
}

/** Slot of the first order of the queue at a price, or −1. */
export function headAt(levels: Levels, price: f64): i32 {
  const at = findLevel(levels, price);
  return at < 0 ? -1 : levelAt(levels, at).head;
}

/** Orders in the queue at a price. */
export function ordersAt(levels: Levels, price: f64): i32 {
  const at = findLevel(levels, price);
  return at < 0 ? 0 : levelAt(levels, at).orders;
}

/** Writes the prices of all levels, those of total 0 too, in no order, as doubles. */
export function listPrices(levels: Levels, to: usize): void {
  for (let at = 0; at <= levels.mask; at++) {
    const entry = load<i32>(levels.table + (<usize>at << 2));
    if (entry == 0) continue;
    store<f64>(to, levelAt(levels, entry - 1).price);
    to += 8;
  }
}

/** Multiplies all prices and totals; the orders' own values are the caller's. `canScale` of the totals must hold. */
export function scaleLevels(levels: Levels, priceFactor: f64, sizeFactor: f64): void {
  scaleSide(levels.totals, priceFactor, sizeFactor);
  const old = levels.table;
  const bytes = <usize>(levels.mask + 1) << 2;
  levels.table = allocZeros(bytes);
  for (let entry = old; entry < old + bytes; entry += 4) {
    if (load<i32>(entry) == 0) continue;
    const at = load<i32>(entry) - 1;
    const level = levelAt(levels, at);
    level.price *= priceFactor;
    level.total *= sizeFactor;
    enter(levels, at);
  }
  release(old, bytes);
}

function addTotal(levels: Levels, level: Level, change: f64): void {
  level.total += change;
  setLevel(levels.totals, level.price, level.total);
}

// @ts-ignore: decorator
@inline
function levelAt(levels: Levels, at: i32): Level {
  return changetype<Level>(levels.slots + (<usize>at << 5));
}

/** Slot of the level of a price, or −1. */
function findLevel(levels: Levels, price: f64): i32 {
  let at = home(levels, price);
  while (true) {
    const level = load<i32>(levels.table + (<usize>at << 2)) - 1;
    if (level < 0 || levelAt(levels, level).price == price) return level;
    at = (at + 1) & levels.mask;
  }
}

function findOrAdd(levels: Levels, price: f64): i32 {
  const found = findLevel(levels, price);
  if (found >= 0) return found;
  if (levels.count == levels.capacity) grow(levels, levels.capacity << 1);
  let at = levels.free;
  if (at >= 0) levels.free = levelAt(levels, at).free;
  else at = levels.fresh++;
  const level = levelAt(levels, at);
  level.price = price;
  level.total = 0;
  level.head = -1;
  level.tail = -1;
  level.orders = 0;
  enter(levels, at);
  levels.count++;
  return at;
}

function removeLevel(levels: Levels, slot: i32): void {
  const table = levels.table;
  const mask = levels.mask;
  let hole = home(levels, levelAt(levels, slot).price);
  while (load<i32>(table + (<usize>hole << 2)) != slot + 1) hole = (hole + 1) & mask;
  // Close the hole: move back every entry that would no longer be found.
  for (let at = (hole + 1) & mask; load<i32>(table + (<usize>at << 2)) != 0; at = (at + 1) & mask) {
    const entry = load<i32>(table + (<usize>at << 2));
    if (((at - home(levels, levelAt(levels, entry - 1).price)) & mask) < ((at - hole) & mask)) continue;
    store<i32>(table + (<usize>hole << 2), entry);
    hole = at;
  }
  store<i32>(table + (<usize>hole << 2), 0);
  levelAt(levels, slot).free = levels.free;
  levels.free = slot;
  levels.count--;
}

// @ts-ignore: decorator
@inline
function home(levels: Levels, price: f64): i32 {
  const whole = <u64>price;
  return <i32>(((<u32>whole ^ (<u32>(whole >>> 32) * 0x85ebca6b)) * 0x9e3779b1) >>> levels.shift);
}

function enter(levels: Levels, slot: i32): void {
  let at = home(levels, levelAt(levels, slot).price);
  while (load<i32>(levels.table + (<usize>at << 2)) != 0) at = (at + 1) & levels.mask;
  store<i32>(levels.table + (<usize>at << 2), slot + 1);
}

function grow(levels: Levels, capacity: i32): void {
  const slots = alloc(<usize>capacity << 5);
  memory.copy(slots, levels.slots, <usize>levels.fresh << 5);
  if (levels.capacity > 0) release(levels.slots, <usize>levels.capacity << 5);
  levels.slots = slots;
  const oldTable = levels.table;
  const oldBytes = <usize>levels.capacity << 3;
  levels.capacity = capacity;
  levels.table = allocZeros(<usize>capacity << 3);
  levels.mask = (capacity << 1) - 1;
  levels.shift = clz(levels.mask);
  for (let entry = oldTable; entry < oldTable + oldBytes; entry += 4) if (load<i32>(entry) != 0) enter(levels, load<i32>(entry) - 1);
  if (oldBytes > 0) release(oldTable, oldBytes);
}
