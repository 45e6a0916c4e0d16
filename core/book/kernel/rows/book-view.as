// The book that rows are made of: an L2 book, or the L2 view of an L3 book. See core/features/feature-book.ts.

import { allocZeros } from "../memory";
import { powerOfTen } from "../exact";
import { L2Book } from "../l2-book";
import { L3Book } from "../l3-book";
import { Side } from "../side-window";

// @ts-ignore: decorator
@unmanaged
export class BookView {
  /** 10^scale of `knownPriceScale` and `knownSizeScale`. */
  priceUnit: f64;
  sizeUnit: f64;
  bids: Side;
  asks: Side;
  /** Address of the decimals of prices, those of sizes behind them. */
  scales: usize;
  /** One of them. */
  l2: L2Book | null;
  l3: L3Book | null;
  knownPriceScale: i32;
  knownSizeScale: i32;
}

export function newBookView(): BookView {
  const view = changetype<BookView>(allocZeros(offsetof<BookView>()));
  view.knownPriceScale = -1;
  view.knownSizeScale = -1;
  view.priceUnit = 1;
  view.sizeUnit = 1;
  return view;
}

export function viewL2(view: BookView, book: L2Book): void {
  view.l2 = book;
  view.l3 = null;
  view.bids = book.bids;
  view.asks = book.asks;
  view.scales = changetype<usize>(book) + offsetof<L2Book>("priceScale");
}

export function viewL3(view: BookView, book: L3Book): void {
  view.l2 = null;
  view.l3 = book;
  view.bids = book.bids.totals;
  view.asks = book.asks.totals;
  view.scales = changetype<usize>(book) + offsetof<L3Book>("priceScale");
}

// @ts-ignore: decorator
@inline
export function priceScaleOf(view: BookView): i32 {
  return load<i32>(view.scales);
}

// @ts-ignore: decorator
@inline
export function sizeScaleOf(view: BookView): i32 {
  return load<i32>(view.scales, 4);
}

/** 10^priceScale; 1 before the first message. */
// @ts-ignore: decorator
@inline
export function priceUnitOf(view: BookView): f64 {
  const scale = priceScaleOf(view);
  if (scale != view.knownPriceScale) {
    view.knownPriceScale = scale;
    view.priceUnit = powerOfTen(scale);
  }
  return view.priceUnit;
}

// @ts-ignore: decorator
@inline
export function sizeUnitOf(view: BookView): f64 {
  const scale = sizeScaleOf(view);
  if (scale != view.knownSizeScale) {
    view.knownSizeScale = scale;
    view.sizeUnit = powerOfTen(scale);
  }
  return view.sizeUnit;
}
