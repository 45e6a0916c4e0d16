/**
 * From least to greatest of some values, but for what lies further from the bulk of them (2 to 98 %) than the bulk is wide: a range in
 * which no few values flatten all others.
 */
export function robustRange(values: readonly number[]): [number, number] {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))]!
  const [least, greatest, low, high] = [at(0), at(1), at(0.02), at(0.98)]
  if (least === greatest) return [least - 1, greatest + 1]
  const reach = high - low
  return reach === 0 ? [least, greatest] : [Math.max(least, low - reach), Math.min(greatest, high + reach)]
}
