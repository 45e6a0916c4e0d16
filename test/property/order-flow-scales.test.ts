import fc from 'fast-check'
import { expect, it } from 'vitest'
import { resolveColumns } from '../../core/features/columns/builtin-columns.ts'
import { FeatureEngine } from '../../core/features/feature-engine.ts'
import { TYPE_BOOK_EVENT } from '../../core/protocol/message-type.ts'
import { batchOf } from '../support/batches.ts'
import { diff, reset, snapshot } from '../support/book-messages.ts'
import { MemoryRows } from '../support/memory-rows.ts'

const FROM_NS = 1_704_103_200_000_000_000n
/** Of all sizes here, in the plain model. */
const FINEST = 5

interface Step {
  readonly kind: 'snapshot' | 'diff' | 'reset'
  readonly sizeScale: number
  readonly bid: readonly [price: number, size: number]
  readonly ask: readonly [price: number, size: number]
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('diff', 'diff', 'diff', 'diff', 'snapshot', 'reset'),
  sizeScale: fc.nat(FINEST),
  bid: fc.tuple(fc.integer({ min: 97, max: 99 }), fc.integer({ min: 1, max: 40 })),
  ask: fc.tuple(fc.integer({ min: 100, max: 102 }), fc.integer({ min: 1, max: 40 })),
})

/** Sums of each minute by the formula, in integers; a message comes each ten seconds, and each side has one level. */
function plainFlow(steps: readonly Step[]): number[] {
  const sums: bigint[] = []
  let before: { bid: number; ask: number; bidSize: bigint; askSize: bigint } | null = null
  for (const [i, { kind, sizeScale, bid, ask }] of steps.entries()) {
    const minute = Math.floor(i / 6)
    sums[minute] ??= 0n
    if (kind === 'reset') {
      before = null
      continue
    }
    const unit = 10n ** BigInt(FINEST - sizeScale)
    const now = { bid: bid[0], ask: ask[0], bidSize: BigInt(bid[1]) * unit, askSize: BigInt(ask[1]) * unit }
    if (kind === 'diff' && before !== null) {
      if (now.bid >= before.bid) sums[minute]! += now.bidSize
      if (now.bid <= before.bid) sums[minute]! -= before.bidSize
      if (now.ask <= before.ask) sums[minute]! -= now.askSize
      if (now.ask >= before.ask) sums[minute]! += before.askSize
    }
    before = now
  }
  return sums.map((sum) => Number(sum) / 10 ** FINEST)
}

function flowOf(steps: readonly Step[]): number[] {
  const rows: MemoryRows[] = []
  const engine = new FeatureEngine({
    trigger: { every: '1m' },
    fill: true,
    tables: [{ columns: resolveColumns('ofi'), target: (columns) => (rows[0] = new MemoryRows(columns)) }],
  })
  let last: Step | null = null
  const messages = steps.map((one, i) => {
    const { kind, sizeScale, bid, ask } = one
    const level = ([price, size]: readonly [number, number]) => [BigInt(price), BigInt(size)] as const
    const gone = (side: 'bid' | 'ask') => (last !== null && last[side][0] !== one[side][0] ? [[BigInt(last[side][0]), 0n] as const] : [])
    const scales = { priceScale: 0, sizeScale }
    const payload =
      kind === 'reset'
        ? reset()
        : kind === 'snapshot'
          ? snapshot([level(bid)], [level(ask)], scales)
          : diff([...gone('bid'), level(bid)], [...gone('ask'), level(ask)], scales)
    last = kind === 'reset' ? null : one
    return { seq: BigInt(i), timestampNs: FROM_NS + BigInt(i) * 10_000_000_000n, typeId: TYPE_BOOK_EVENT, payload }
  })
  engine.write(batchOf(messages))
  engine.finish()
  return rows[0]!.rows.map(({ ofi }) => ofi as number)
}

it('order flow is exact where sizes have other decimals in each message, also where a snapshot has fewer than the book before', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
      const begun = [{ ...steps[0]!, kind: 'snapshot' } as const, ...steps.slice(1)]
      const [found, expected] = [flowOf(begun), plainFlow(begun)]
      expect(found).toEqual(expected.slice(0, found.length))
    }),
    { numRuns: 500 },
  )
})
