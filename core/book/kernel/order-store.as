// The live orders of an L3 book: 64-byte slots in one block (one cache line each) with a free list, and an
// open-addressing hash of the order id.

import { alloc, allocZeros, release } from "./memory";
import { isExactProduct, MAX_EXACT } from "./exact";

/** Live orders in one book at the same time: 1 GiB of slots and half of it for their table. */
export const MAX_ORDERS: i32 = 1 << 24;
const MIN_ORDERS: i32 = 1024;

/** A slot; order-store.ts has its layout too. */
// @ts-ignore: decorator
@unmanaged
export class Order {
  id: u64;
  /** Slots of the neighbours in the level's queue; −1 = none. Of a free slot: the next one. */
  next: i32;
  previous: i32;
  /** Slot of its level; −1 = not on a level. */
  level: i32;
  /** Of the event that added it. */
  flags: u32;
  /** Nanoseconds since the epoch. */
  lastExchangeTs: u64;
  price: f64;
  quantity: f64;
  /** u8, u8 */
  sideAndType: u32;
}

// @ts-ignore: decorator
@unmanaged
export class Orders {
  slots: usize;
  capacity: i32;
  /** Per position: slot + 1 (0 = empty), then the hash, so that probing rarely touches a slot that is not the one. */
  table: usize;
  shift: i32;
  mask: i32;
  /** Position in the table of the last order found. */
  found: i32;
  free: i32;
  /** Slots at and above this were never used. */
  fresh: i32;
  count: i32;
}

export function newOrders(): Orders {
  const orders = changetype<Orders>(allocZeros(offsetof<Orders>()));
  orders.free = -1;
  grow(orders, MIN_ORDERS);
  return orders;
}

export function clearOrders(orders: Orders): void {
  memory.fill(orders.table, 0, <usize>(orders.mask + 1) << 3);
  orders.count = 0;
  orders.free = -1;
  orders.fresh = 0;
}

// @ts-ignore: decorator
@inline
export function orderAt(orders: Orders, slot: i32): Order {
  return changetype<Order>(orders.slots + (<usize>slot << 6));
}

/** The slot of an order, or −1. */
export function findOrder(orders: Orders, id: u64): i32 {
  const table = orders.table;
  const mask = orders.mask;
  const hash = hashOf(id);
  let at = hash >>> orders.shift;
  while (true) {
    const entry = table + (<usize>at << 3);
    const slot = load<i32>(entry) - 1;
    if (slot < 0) return -1;
    if (load<i32>(entry, 4) == hash && orderAt(orders, slot).id == id) {
      orders.found = at;
      return slot;
    }
    at = (at + 1) & mask;
  }
}

/** A slot for an order that is not in the store; its other fields are for the caller to set. −1: there are too many. */
export function insertOrder(orders: Orders, id: u64): i32 {
  if (orders.count == orders.capacity && !grow(orders, orders.capacity << 1)) return -1;
  let slot = orders.free;
  if (slot >= 0) orders.free = orderAt(orders, slot).next;
  else slot = orders.fresh++;
  orderAt(orders, slot).id = id;
  enter(orders, slot, hashOf(id));
  orders.count++;
  return slot;
}

/** Frees the slot of a live order. */
export function removeOrder(orders: Orders, slot: i32): void {
  const table = orders.table;
  const mask = orders.mask;
  const order = orderAt(orders, slot);
  // Mostly the order that was just found.
  let hole = orders.found;
  if (load<i32>(table + (<usize>hole << 3)) != slot + 1) {
    hole = hashOf(order.id) >>> orders.shift;
    while (load<i32>(table + (<usize>hole << 3)) != slot + 1) hole = (hole + 1) & mask;
  }
  // Close the hole: move back every entry that would no longer be found.
  for (let at = (hole + 1) & mask; load<i32>(table + (<usize>at << 3)) != 0; at = (at + 1) & mask) {
    const home = load<i32>(table + (<usize>at << 3), 4) >>> orders.shift;
    if (((at - home) & mask) < ((at - hole) & mask)) continue;
    store<u64>(table + (<usize>hole << 3), load<u64>(table + (<usize>at << 3)));
    hole = at;
  }
  store<i32>(table + (<usize>hole << 3), 0);
  order.next = orders.free;
  orders.free = slot;
  orders.count--;
}

/** Writes the ids of all live orders, in no order, u64 each. */
export function listOrderIds(orders: Orders, to: usize): void {
  const end = orders.table + (<usize>(orders.mask + 1) << 3);
  for (let entry = orders.table; entry < end; entry += 8) {
    const slot = load<i32>(entry) - 1;
    if (slot < 0) continue;
    store<u64>(to, orderAt(orders, slot).id);
    to += 8;
  }
}

/** Multiplies all prices and quantities. */
export function scaleOrders(orders: Orders, priceFactor: f64, quantityFactor: f64): void {
  const end = orders.table + (<usize>(orders.mask + 1) << 3);
  for (let entry = orders.table; entry < end; entry += 8) {
    const slot = load<i32>(entry) - 1;
    if (slot < 0) continue;
    orderAt(orders, slot).price *= priceFactor;
    orderAt(orders, slot).quantity *= quantityFactor;
  }
}

/** Whether all prices and quantities times these factors still are exact. */
export function areOrdersScalable(orders: Orders, priceFactor: f64, quantityFactor: f64): bool {
  const end = orders.table + (<usize>(orders.mask + 1) << 3);
  for (let entry = orders.table; entry < end; entry += 8) {
    const slot = load<i32>(entry) - 1;
    if (slot < 0) continue;
    const order = orderAt(orders, slot);
    if (!isExactProduct(order.price, priceFactor) || order.quantity * quantityFactor >= MAX_EXACT) return false;
  }
  return true;
}

function enter(orders: Orders, slot: i32, hash: i32): void {
  let at = hash >>> orders.shift;
  while (load<i32>(orders.table + (<usize>at << 3)) != 0) at = (at + 1) & orders.mask;
  store<i32>(orders.table + (<usize>at << 3), slot + 1);
  store<i32>(orders.table + (<usize>at << 3), hash, 4);
}

/** Makes room for `capacity` orders, a power of two; the table has four times as many positions. False: that is too many. */
function grow(orders: Orders, capacity: i32): bool {
  if (capacity > MAX_ORDERS) return false;
  const slots = alloc(<usize>capacity << 6);
  memory.copy(slots, orders.slots, <usize>orders.fresh << 6);
  if (orders.capacity > 0) release(orders.slots, <usize>orders.capacity << 6);
  orders.slots = slots;
  const oldTable = orders.table;
  const oldBytes = <usize>orders.capacity << 5;
  orders.capacity = capacity;
  orders.table = allocZeros(<usize>capacity << 5);
  orders.mask = (capacity << 2) - 1;
  orders.shift = clz(orders.mask);
  for (let entry = oldTable; entry < oldTable + oldBytes; entry += 8) {
    if (load<i32>(entry) != 0) enter(orders, load<i32>(entry) - 1, load<i32>(entry, 4));
  }
  if (oldBytes > 0) release(oldTable, oldBytes);
  return true;
}

/** A 32-bit hash of an order id. */
// @ts-ignore: decorator
@inline
function hashOf(id: u64): i32 {
  return <i32>((<u32>id ^ (<u32>(id >>> 32) * 0x85ebca6b)) * 0x9e3779b1);
}
