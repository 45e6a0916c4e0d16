/** A whole number below 2^53 of digits alone; else −1. */
export function wholeNumber(bytes: Uint8Array, start: number, end: number): number {
  if (end - start > 15) return -1
  let value = 0
  for (let at = start; at < end; at++) {
    const digit = bytes[at]! - 48
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return value
}

/** The words of a u64; null: the text is none. */
export function idWords(text: string): readonly [low: number, high: number] | null {
  if (!/^\d{1,20}$/.test(text)) return null
  const id = BigInt(text)
  return id < 2n ** 64n ? [Number(id & 0xffff_ffffn), Number(id >> 32n)] : null
}
