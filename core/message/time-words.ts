/** A time as the two halves in which batches hold it: comparing these needs no 64-bit integers. */
export interface TimeWords {
  readonly low: number
  readonly high: number
}

export function timeWordsOf(timeNs: bigint): TimeWords {
  return { low: Number(timeNs & 0xffff_ffffn), high: Number(timeNs >> 32n) }
}

/** Whether the time of a row lies before a time. @param words the `timeWords` of the row's batch */
export function isBefore(words: Uint32Array, row: number, { low, high }: TimeWords): boolean {
  const own = words[2 * row + 1]!
  return own < high || (own === high && words[2 * row]! < low)
}
