// Order-flow imbalance at the best level: see core/features/columns/order-flow-imbalance.ts.

import { allocZeros } from "../memory";
import { powerOfTen } from "../exact";
import { BookView, priceScaleOf, sizeScaleOf } from "./book-view";

// @ts-ignore: decorator
@unmanaged
export class OrderFlow {
  /** Prices at the book's price scale; NaN for an empty side. */
  bidPrice: f64;
  askPrice: f64;
  bidSize: f64;
  askSize: f64;
  sum: f64;
  /** What brings a size of the book to the scale of the sum. */
  factor: f64;
  priceScale: i32;
  /** Scale of the sizes and of the sum: the finest of the book since the sum began. */
  scale: i32;
  /** Scale of the book's sizes that the factor is for. */
  bookScale: i32;
}

export function newOrderFlow(): OrderFlow {
  const flow = changetype<OrderFlow>(allocZeros(offsetof<OrderFlow>()));
  flow.bidPrice = NaN;
  flow.askPrice = NaN;
  flow.factor = 1;
  flow.priceScale = -1;
  return flow;
}

/** The sum begins anew, at the scale that the book has. */
export function clearFlow(flow: OrderFlow): void {
  flow.sum = 0;
  if (flow.factor == 1) return;
  flow.bidSize /= flow.factor;
  flow.askSize /= flow.factor;
  flow.scale = flow.bookScale;
  flow.factor = 1;
}

// @ts-ignore: decorator
@inline
export function flowValue(flow: OrderFlow): f64 {
  return flow.sum / powerOfTen(flow.scale);
}

/** Compares with what is there now. */
export function lookFlow(flow: OrderFlow, view: BookView): void {
  flow.priceScale = priceScaleOf(view);
  toScale(flow, sizeScaleOf(view));
  flow.bidPrice = view.bids.bestPrice;
  flow.askPrice = view.asks.bestPrice;
  flow.bidSize = view.bids.bestSize * flow.factor;
  flow.askSize = view.asks.bestSize * flow.factor;
}

/** A book event changed the book. */
export function addFlow(flow: OrderFlow, view: BookView): void {
  if (priceScaleOf(view) != flow.priceScale || sizeScaleOf(view) != flow.bookScale) rescale(flow, view);
  const bid = view.bids.bestPrice;
  const ask = view.asks.bestPrice;
  const bidSize = view.bids.bestSize * flow.factor;
  const askSize = view.asks.bestSize * flow.factor;
  // Comparing with NaN is false: an empty side adds nothing.
  if (bid >= flow.bidPrice) flow.sum += bidSize;
  if (bid <= flow.bidPrice) flow.sum -= flow.bidSize;
  if (ask <= flow.askPrice) flow.sum -= askSize;
  if (ask >= flow.askPrice) flow.sum += flow.askSize;
  flow.bidPrice = bid;
  flow.askPrice = ask;
  flow.bidSize = bidSize;
  flow.askSize = askSize;
}

/** The book's scales have changed without a restart: they became finer, and the book is the same. */
function rescale(flow: OrderFlow, view: BookView): void {
  const priceScale = priceScaleOf(view);
  if (flow.priceScale >= 0 && priceScale != flow.priceScale) {
    const factor = tenTo(priceScale - flow.priceScale);
    flow.bidPrice *= factor;
    flow.askPrice *= factor;
  }
  flow.priceScale = priceScale;
  toScale(flow, sizeScaleOf(view));
}

function toScale(flow: OrderFlow, sizeScale: i32): void {
  if (sizeScale > flow.scale) {
    const factor = powerOfTen(sizeScale - flow.scale);
    flow.sum *= factor;
    flow.bidSize *= factor;
    flow.askSize *= factor;
    flow.scale = sizeScale;
  }
  flow.bookScale = sizeScale;
  flow.factor = sizeScale < 0 ? 1 : powerOfTen(flow.scale - sizeScale);
}

/** A cleared book has scale −1: its next prices may be coarser. */
function tenTo(power: i32): f64 {
  return power < 0 ? 1 / powerOfTen(-power) : powerOfTen(power);
}
