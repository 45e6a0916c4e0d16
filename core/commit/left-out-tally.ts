import { type DamagePlace, sumCounts } from '../plan/run/damage-report.ts'
import { totalOf, warningName } from '../plan/run/message-counts.ts'
import type { DoneReceipt } from '../plan/run/run-receipts.ts'

/** What became of the messages of a run: read = handled + the sum of `leftOut`. Of all partitions that are done. */
export interface MessageTotals {
  /** Of the job's streams, in the range. */
  readonly read: number
  readonly handled: number
  /** Messages that the rows do without, by reason; damage that was skipped, too. */
  readonly leftOut: Readonly<Record<string, number>>
  /** What cost no message but should be known, by kind. */
  readonly noted: Readonly<Record<string, number>>
  /** Partitions that something was left out of. */
  readonly partitions: number
  /** Of each reason whose places are known the first, in order of partitions. */
  readonly first: Readonly<Record<string, DamagePlace>>
  /** Exchange time minus record time of what was left out as `beyond-skew`, least and greatest, nanoseconds; null: nothing was. */
  readonly skewNs: readonly [least: string, greatest: string] | null
}

/** Adds up. @param done winning receipts, in order of partitions */
export function tallyMessages(done: Iterable<DoneReceipt>): MessageTotals {
  let [read, partitions] = [0, 0]
  let [leftOut, noted]: Record<string, number>[] = [{}, {}]
  const first: Record<string, DamagePlace> = {}
  let skew: readonly [bigint, bigint] | null = null
  const warned = new Map<string, DamagePlace>()
  for (const { messages, damage } of done) {
    read += messages.read
    for (const place of messages.warnings ?? []) warned.set(warningName(place), place)
    if (messages.noted !== undefined) noted = sumCounts(noted!, messages.noted)
    if (messages.leftOut === undefined) continue
    partitions++
    leftOut = sumCounts(leftOut!, messages.leftOut)
    for (const place of [...(messages.places ?? []), ...(damage?.places ?? [])]) first[place.code] ??= place
    if (messages.skewNs === undefined) continue
    const [least, greatest] = [BigInt(messages.skewNs[0]), BigInt(messages.skewNs[1])]
    skew = skew === null ? [least, greatest] : [least < skew[0] ? least : skew[0], greatest > skew[1] ? greatest : skew[1]]
  }
  for (const place of warned.values()) {
    noted = sumCounts(noted!, { [place.code]: 1 })
    first[place.code] ??= place
  }
  const handled = read - totalOf(leftOut!)
  const skewNs = skew === null ? null : ([String(skew[0]), String(skew[1])] as const)
  return { read, handled, leftOut: leftOut!, noted: noted!, partitions, first, skewNs }
}
