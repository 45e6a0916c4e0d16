import { dollarsOf } from '../core/plan/plan-cost.ts'
import type { ReceiptRecord, RunRecord } from './run-record.ts'

/** What a run took, in US dollars at AWS's prices, wherever it ran. */
export interface RunCost {
  readonly vcpuHours: number
  /** On demand, and if all of it ran on Spot. */
  readonly dollars: number
  readonly spotDollars: number
  /** Of the attempts whose rows do not count: failed, or slower than another. */
  readonly wastedHours: number
  readonly wastedDollars: number
  readonly failedReceipts: number
  readonly duplicateReceipts: number
  readonly gets: number
  readonly puts: number
  /** What the plan expected. */
  readonly planned: { readonly low: number; readonly high: number; readonly lowHours: number; readonly highHours: number }
  readonly assumptions: readonly string[]
}

/**
 * A thread's time on partitions counts as time of a vCPU; starting tasks does not show in receipts and is left out. Requests
 * are the plan's, as nobody counts them while a run is under way.
 */
export function costOf({ head, receipts }: RunRecord): RunCost {
  const lost = receipts.filter(({ isWinner }) => !isWinner)
  const [seconds, lostSeconds] = [secondsOf(receipts), secondsOf(lost)]
  const { getRequests: gets, putRequests: puts, dollars, vcpuHours, assumptions } = head.cost
  const used = { vcpuSeconds: seconds, gets, puts }
  return {
    vcpuHours: seconds / 3600,
    dollars: dollarsOf(used),
    spotDollars: dollarsOf(used, 'spot'),
    wastedHours: lostSeconds / 3600,
    wastedDollars: dollarsOf({ vcpuSeconds: lostSeconds, gets: 0, puts: 0 }),
    failedReceipts: lost.filter(({ hasFailed }) => hasFailed).length,
    duplicateReceipts: lost.filter(({ hasFailed }) => !hasFailed).length,
    gets,
    puts,
    planned: { ...dollars, lowHours: vcpuHours.low, highHours: vcpuHours.high },
    assumptions,
  }
}

function secondsOf(receipts: readonly ReceiptRecord[]): number {
  return receipts.reduce((total, { timing }) => total + timing.durationMs, 0) / 1000
}
