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
  const sums = new MessageSums()
  for (const receipt of done) sums.add(receipt)
  return sums.totals()
}

/** The same of receipts that come one after the other. */
export class MessageSums {
  #read = 0
  #partitions = 0
  #leftOut: Record<string, number> = {}
  #noted: Record<string, number> = {}
  readonly #first: Record<string, DamagePlace> = {}
  #skew: readonly [bigint, bigint] | null = null
  readonly #warned = new Map<string, DamagePlace>()

  add({ messages, damage }: Pick<DoneReceipt, 'messages' | 'damage'>): void {
    this.#read += messages.read
    for (const place of messages.warnings ?? []) this.#warned.set(warningName(place), place)
    if (messages.noted !== undefined) this.#noted = sumCounts(this.#noted, messages.noted)
    if (messages.leftOut === undefined) return
    this.#partitions++
    this.#leftOut = sumCounts(this.#leftOut, messages.leftOut)
    for (const place of [...(messages.places ?? []), ...(damage?.places ?? [])]) this.#first[place.code] ??= place
    if (messages.skewNs === undefined) return
    const [least, greatest] = [BigInt(messages.skewNs[0]), BigInt(messages.skewNs[1])]
    const skew = this.#skew
    this.#skew = skew === null ? [least, greatest] : [least < skew[0] ? least : skew[0], greatest > skew[1] ? greatest : skew[1]]
  }

  totals(): MessageTotals {
    let noted = this.#noted
    const first = { ...this.#first }
    for (const place of this.#warned.values()) {
      noted = sumCounts(noted, { [place.code]: 1 })
      first[place.code] ??= place
    }
    const skew = this.#skew
    const skewNs = skew === null ? null : ([String(skew[0]), String(skew[1])] as const)
    const [read, leftOut, partitions] = [this.#read, this.#leftOut, this.#partitions]
    return { read, handled: read - totalOf(leftOut), leftOut, noted, partitions, first, skewNs }
  }
}
