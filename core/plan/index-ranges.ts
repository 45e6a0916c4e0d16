/** A set of whole numbers as text, runs joined: `0-41,43,50-99`. What a commit says of the partitions that are done. */
export function encodeRanges(sorted: readonly number[]): string {
  const ranges: string[] = []
  for (let i = 0; i < sorted.length; ) {
    let end = i + 1
    while (end < sorted.length && sorted[end] === sorted[end - 1]! + 1) end++
    ranges.push(end - i === 1 ? String(sorted[i]) : `${sorted[i]}-${sorted[end - 1]}`)
    i = end
  }
  return ranges.join(',')
}

export function decodeRanges(text: string): Set<number> {
  const numbers = new Set<number>()
  if (text === '') return numbers
  for (const range of text.split(',')) {
    const [first, last = first] = range.split('-').map(Number)
    for (let i = first!; i <= last!; i++) numbers.add(i)
  }
  return numbers
}
