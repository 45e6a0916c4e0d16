import type { Level } from '../../../core/protocol/level.ts'
import { NaiveBook } from '../naive-book.ts'

/** What an event did: `quarantined` ones are not applied. */
export interface BookOutcome {
  readonly kind: 'snapshot' | 'diff' | 'reset' | 'heartbeat'
  readonly isApplied: boolean
  /** Why it was not, where that leaves a message out. */
  readonly leftOut?: 'stale' | 'quarantined'
  /** This event shows that others are missing. */
  readonly isGap: boolean
  /** It made the book trustworthy again. */
  readonly endsGap: boolean
}

/** An L2 book that follows the chain of update ids: after a gap it is empty until the next snapshot or reset. */
export class PlainBook {
  readonly #book = new NaiveBook()
  #isOpen = false
  /** Last update id; null: nothing to compare with. */
  #last: bigint | null = null
  /** `#last` is of a snapshot. */
  #isAnchored = false
  /** Neither diff nor snapshot nor reset since the folder began. */
  #isAtStart = false

  /** @param isNewSession the first event of a folder */
  apply(payload: DataView, isNewSession: boolean): BookOutcome {
    if (isNewSession) this.#isAtStart = true
    const kind = (['snapshot', 'diff', 'reset', 'heartbeat'] as const)[payload.getUint8(56) - 1]!
    if (kind === 'heartbeat') return { kind, isApplied: false, isGap: false, endsGap: false }
    const isAtStart = this.#isAtStart
    this.#isAtStart = false
    if (kind === 'diff') return this.#diff(payload)
    const endsGap = this.#isOpen
    this.#isOpen = false
    if (kind === 'reset') {
      this.#book.reset()
      this.#last = null
    } else {
      const bids = payload.getUint32(68, true)
      this.#book.snapshot(
        levels(payload, 76, bids),
        levels(payload, 76 + 16 * bids, payload.getUint32(72, true)),
        payload.getUint8(64),
        payload.getUint8(65),
      )
      const id = payload.getBigUint64(48, true)
      if (id !== 0n) {
        this.#last = id
        this.#isAnchored = true
      } else if (isAtStart) this.#last = null
    }
    return { kind, isApplied: true, isGap: false, endsGap }
  }

  /** Best prices and sizes as integers; NaN where there is none. */
  best(side: 'bids' | 'asks'): readonly [price: number, size: number] {
    return this.#book.sorted(side)[0] ?? [Number.NaN, Number.NaN]
  }

  get priceUnit(): number {
    return this.#book.priceScale < 0 ? 1 : 10 ** this.#book.priceScale
  }

  get sizeUnit(): number {
    return this.#book.sizeScale < 0 ? 1 : 10 ** this.#book.sizeScale
  }

  get mid(): number {
    return (this.best('bids')[0] / this.priceUnit + this.best('asks')[0] / this.priceUnit) * 0.5
  }

  imbalance(depth: number): number {
    const [bids, asks] = (['bids', 'asks'] as const).map((side) =>
      this.#book
        .sorted(side)
        .slice(0, depth)
        .reduce((sum, [, size]) => sum + size, 0),
    ) as [number, number]
    return (bids - asks) / (bids + asks)
  }

  #diff(payload: DataView): BookOutcome {
    const [first, last, previous] = [64, 72, 80].map((at) => payload.getBigUint64(at, true)) as [bigint, bigint, bigint]
    const known = this.#last
    const passed = { kind: 'diff', isApplied: false, endsGap: false } as const
    if (known !== null && this.#isAnchored && last <= known) return { ...passed, isGap: false, leftOut: 'stale' }
    const isGap = known !== null && (this.#isAnchored ? first > known + 1n : first !== known + 1n || previous !== known)
    this.#last = last
    this.#isAnchored = false
    if (isGap) {
      this.#isOpen = true
      this.#book.reset()
    }
    if (this.#isOpen) return { ...passed, isGap, leftOut: 'quarantined' }
    const bids = payload.getUint16(92, true)
    this.#book.diff(
      levels(payload, 96, bids),
      levels(payload, 96 + 16 * bids, payload.getUint16(94, true)),
      payload.getUint8(88),
      payload.getUint8(89),
    )
    return { kind: 'diff', isApplied: true, isGap: false, endsGap: false }
  }
}

function levels(payload: DataView, start: number, count: number): Level[] {
  return Array.from({ length: count }, (_, i) => [
    payload.getBigUint64(start + 16 * i, true),
    payload.getBigUint64(start + 16 * i + 8, true),
  ])
}
