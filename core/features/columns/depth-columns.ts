import { defineColumnGroup, requireCount } from './column.ts'
import { defineKernelColumn, kernelColumn } from './kernel-column.ts'
import { KERNEL_VALUES } from './kernel-columns.ts'

/** Levels that a depth may ask for. */
const MAX_LEVELS = 10_000
/** Levels of `top`: four columns each. */
const MAX_TOP_LEVELS = 200

/**
 * `imbalance:DEPTH` (default 1): (Σbid − Σask) / (Σbid + Σask) over the sizes of the best DEPTH levels (docs/format.md, Features).
 * From −1 (asks only) to 1 (bids only); NULL while the book is empty.
 */
export const IMBALANCE = defineKernelColumn({
  name: 'imbalance',
  params: { depth: 1 },
  kernel({ depth }) {
    requireCount('imbalance', depth, MAX_LEVELS)
    return { what: KERNEL_VALUES.imbalance, param: depth }
  },
})

/** `top:N` (default 1): price and size of the best N levels, `bid_price_1, bid_size_1, ask_price_1, ask_size_1, bid_price_2 …`; NULL where there is no such level. */
export const TOP = defineColumnGroup({
  name: 'top',
  params: { levels: 1 },
  columns({ levels }) {
    requireCount('top', levels, MAX_TOP_LEVELS)
    const { bidPrice, bidSize, askPrice, askSize } = KERNEL_VALUES
    const fields = Object.entries({ bid_price: bidPrice, bid_size: bidSize, ask_price: askPrice, ask_size: askSize })
    return Array.from({ length: levels }, (_, level) =>
      fields.map(([name, what]) => kernelColumn(`${name}_${level + 1}`, 'f64', () => ({ what, level }))),
    ).flat()
  },
})

/**
 * `depth_bps:X` (default 10): the sums of the sizes within X basis points of the mid, `bid_depth_X_bps` (prices ≥
 * mid · (1 − X / 10⁴)) and `ask_depth_X_bps` (prices ≤ mid · (1 + X / 10⁴)), in base currency. The bounds are calculated from
 * the integer prices. NULL while a side is empty.
 */
export const DEPTH_BPS = defineColumnGroup({
  name: 'depth_bps',
  params: { bps: 10 },
  columns({ bps }) {
    const suffix = `${String(bps).replace('.', '_')}_bps`
    return [
      kernelColumn(`bid_depth_${suffix}`, 'f64', () => ({ what: KERNEL_VALUES.bidDepth, param: 1 - bps / 1e4 })),
      kernelColumn(`ask_depth_${suffix}`, 'f64', () => ({ what: KERNEL_VALUES.askDepth, param: 1 + bps / 1e4 })),
    ]
  },
})
