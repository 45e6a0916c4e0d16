import type { BookState, LevelText } from '../core/book/book-state.ts'
import type { SequenceFinding } from '../core/book/sequence/sequence-finding.ts'
import { describePlace } from '../core/errors.ts'
import { countText } from './output.ts'

/** A book as a ladder: bids to the left, asks to the right, the best in the first line. */
export function ladderText(state: BookState): string {
  const { bids, asks, priceScale, sizeScale } = state
  const [price, size] = [priceScale ?? 0, sizeScale ?? 0]
  const cells = Array.from({ length: Math.max(bids.length, asks.length) }, (_, i) => [
    ...levelCells(bids[i], price, size).reverse(),
    ...levelCells(asks[i], price, size),
  ])
  const rows = [['bid size', 'bid', 'ask', 'ask size'], ...cells]
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]!.length)))
  const lines = rows.map((row) => {
    const [bidSize, bid, ask, askSize] = row.map((cell, column) => cell.padStart(widths[column]!))
    return `  ${bidSize}  ${bid} | ${ask}  ${askSize}`.trimEnd()
  })
  const { orders, levelsCrc32, bookHash } = state
  const digest = levelsCrc32 === undefined ? '' : `, CRC32 ${levelsCrc32}`
  const orderText = orders === undefined ? '' : `, ${countText(orders)} orders`
  const hash = bookHash === undefined ? '' : `, hash ${bookHash}`
  return `${lines.join('\n')}\n  ${countText(state.bidLevels)} bid and ${countText(state.askLevels)} ask levels${digest}${orderText}${hash}\n`
}

/** A line per kind of finding: how many, and where the first one is. */
export function gapsText(findings: readonly SequenceFinding[], counts: Readonly<Record<string, number>>): string {
  const kinds = Object.entries(counts).filter(([, count]) => count > 0)
  return kinds
    .map(([kind, count]) => {
      const first = findings.find((each) => each.kind === kind)
      if (first === undefined) return `  ${kind} × ${countText(count)}\n`
      const { path: _path, ...place } = first.place
      return `  ${kind} × ${countText(count)}, first: expected ${first.expected}, found ${first.found}${describePlace(place)}\n`
    })
    .join('')
}

/** The integer `digits` ÷ 10^scale: `8702130`, 2 → `87021.30`. */
export function decimalText(digits: string, scale: number): string {
  if (scale === 0) return digits
  const padded = digits.padStart(scale + 1, '0')
  return `${padded.slice(0, -scale)}.${padded.slice(-scale)}`
}

function levelCells(level: LevelText | undefined, priceScale: number, sizeScale: number): [string, string] {
  return level === undefined ? ['', ''] : [decimalText(level[0], priceScale), decimalText(level[1], sizeScale)]
}
