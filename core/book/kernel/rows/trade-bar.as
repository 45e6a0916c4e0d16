// The trades of a bar (or since the row before), in order of arrival: see core/features/columns/trade-bar.ts.

import { allocZeros } from "../memory";
import { addDecimal, addProduct, clearSum, DecimalSum, newDecimalSum } from "./decimal-sum";

// @ts-ignore: decorator
@unmanaged
export class TradeBar {
  open: f64;
  high: f64;
  low: f64;
  close: f64;
  count: f64;
  volume: DecimalSum;
  notional: DecimalSum;
  buyVolume: DecimalSum;
}

export function newTradeBar(): TradeBar {
  const bar = changetype<TradeBar>(allocZeros(offsetof<TradeBar>()));
  bar.volume = newDecimalSum();
  bar.notional = newDecimalSum();
  bar.buyVolume = newDecimalSum();
  empty(bar);
  return bar;
}

/** Whether a trade has a price and a quantity; of another one bars do not hear. */
// @ts-ignore: decorator
@inline
export function isTrade(price: f64, quantity: f64): bool {
  return price - price == 0 && quantity - quantity == 0;
}

export function addTrade(bar: TradeBar, price: f64, quantity: f64, isBuy: bool): void {
  if (bar.count == 0) {
    bar.open = price;
    bar.high = price;
    bar.low = price;
  } else if (price > bar.high) bar.high = price;
  else if (price < bar.low) bar.low = price;
  bar.count += 1;
  bar.close = price;
  addDecimal(bar.volume, quantity);
  addProduct(bar.notional, price, quantity);
  if (isBuy) addDecimal(bar.buyVolume, quantity);
}

/** The next bar begins. */
export function nextBar(bar: TradeBar): void {
  if (bar.count != 0) empty(bar);
}

function empty(bar: TradeBar): void {
  bar.open = NaN;
  bar.high = NaN;
  bar.low = NaN;
  bar.close = NaN;
  bar.count = 0;
  clearSum(bar.volume);
  clearSum(bar.notional);
  clearSum(bar.buyVolume);
}
