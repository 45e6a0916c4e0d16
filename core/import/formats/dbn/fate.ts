import type { ImportTally } from '../../messages/import-tally.ts'

/** What becomes of a record: `written`, or why not. */
export type Fate = 'written' | LeftOut | Unrepresentable

type LeftOut =
  | 'not asked for'
  | 'given by another file'
  | 'fills'
  | 'no-action'
  | 'side-none'
  | 'price-undefined'
  | 'order-unknown'
  | 'size-zero'
type Unrepresentable = 'negative-price' | 'price-zero' | 'size-undefined' | 'out-of-range' | 'order-id-zero' | 'top-of-book-only'

const UNREPRESENTABLE: ReadonlySet<string> = new Set<Unrepresentable>([
  'negative-price',
  'price-zero',
  'size-undefined',
  'out-of-range',
  'order-id-zero',
  'top-of-book-only',
])

/** Counts a record. */
export function settle(tally: ImportTally, fate: Fate): void {
  if (fate === 'written') tally.wrote()
  else if (UNREPRESENTABLE.has(fate)) tally.refuse(fate)
  else tally.leave(fate)
}
