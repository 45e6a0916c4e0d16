import type { CloudWorld } from './cloud-world.ts'

/** Seconds of what one machine does by itself. */
export interface SerialPhases {
  /** Until the execution starts: bundle, listing, looks, plan for the estimate, the listing handed over. */
  readonly submitS: number
  /** The container of the plan, from its launch on. */
  readonly planS: number
  readonly commitS: number
  /** Pages of the listing. */
  readonly pages: number
}

/** @param partitions symbols × days, all of them folders of a stream that nobody has looked into */
export function serialPhases(partitions: number, { serial, startS, noticeS }: CloudWorld): SerialPhases {
  const millions = partitions / 1e6
  const pages = Math.ceil((partitions * serial.objects) / 1000)
  const listS = Math.max((pages * serial.pageS) / serial.pagesAtOnce, pages * serial.pageCpuS)
  // The first and the last index of each.
  const looksS = (Math.min(partitions, serial.looks) * 2 * serial.getS) / serial.looksAtOnce
  const containerS = (startS[0] + startS[1]) / 2 + noticeS
  const planS = millions * serial.planS
  return {
    submitS: serial.bundleS + listS + looksS + planS + millions * serial.handOverS,
    planS: containerS + planS + millions * serial.sharesS,
    commitS: containerS + millions * serial.commitS,
    pages,
  }
}
