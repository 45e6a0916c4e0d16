import { defineKernelColumn } from './kernel-column.ts'
import { KERNEL_VALUES } from './kernel-columns.ts'

/**
 * Order-flow imbalance at the best level, in base currency, summed over the book events of a bar (or since the row before):
 *
 *     e(n) = [Pb(n) ≥ Pb(n−1)] · qb(n) − [Pb(n) ≤ Pb(n−1)] · qb(n−1) − [Pa(n) ≤ Pa(n−1)] · qa(n) + [Pa(n) ≥ Pa(n−1)] · qa(n−1)
 *
 * with the best bid and ask prices P and their sizes q after event n. Positive: demand grows.
 * Source: R. Cont, A. Kukanov, S. Stoikov, "The Price Impact of Order Book Events", Journal of Financial Econometrics 12
 * (2014), eq. 2 and 3.
 * A side counts only where it was and is not empty; at a snapshot, a reset and a gap the comparison starts anew.
 * Summed as integers at the finest size scale of the bar. 0 without events, also while the book is empty.
 */
export const OFI = defineKernelColumn({ name: 'ofi', kernel: () => ({ what: KERNEL_VALUES.ofi }) })
