import { defineKernelColumn } from './kernel-column.ts'
import { KERNEL_VALUES } from './kernel-columns.ts'

/** Mid price in quote currency: (bid / 10^ps + ask / 10^ps) · 0.5 (docs/format.md, Features). NULL while a side is empty. */
export const MID = defineKernelColumn({ name: 'mid', kernel: () => ({ what: KERNEL_VALUES.mid }) })

/** Spread in basis points of the mid: (ask − bid) / mid · 10⁴ (docs/format.md, Features); negative in a crossed book. NULL while a side is empty, or the mid is 0. */
export const SPREAD_BPS = defineKernelColumn({ name: 'spread_bps', kernel: () => ({ what: KERNEL_VALUES.spreadBps }) })

/**
 * Micro-price in quote currency: the mid weighted by the opposite sizes, (bid · askSize + ask · bidSize) / (bidSize + askSize).
 * Source: J. Gatheral, R. Oomen, "Zero-intelligence realized variance estimation", Finance and Stochastics 14 (2010), §2.
 * NULL while a side is empty.
 */
export const MICRO_PRICE = defineKernelColumn({ name: 'micro_price', kernel: () => ({ what: KERNEL_VALUES.microPrice }) })
