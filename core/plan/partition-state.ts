import { isoTime } from '../instant.ts'
import type { JobWindow } from '../job/job-outline.ts'
import { type InstrumentDays, windowStartNs } from './archive/instrument-days.ts'
import type { CellGrid } from './cells.ts'
import { type FingerprintBase, fingerprintOf, type OnCorrupt, type Restart } from './fingerprint.ts'
import type { PartitionState } from './run/plan-document.ts'
import type { LivePart, LiveParts } from './table/live-parts.ts'
import { isOfInstrument, mayHold, type OnForeign, type Pack } from './table/pack.ts'

/** What a plan makes of a cell of an instrument. */
export interface JudgedCell {
  readonly state: PartitionState
  readonly reason: string
  /** Of what runs; empty for a cached cell. */
  readonly variants: readonly string[]
  readonly restart: Restart
  readonly inputs: string
  readonly fingerprint: string
  /** First and last of the days that it depends on, by index. */
  readonly days: readonly [first: number, last: number]
}

/** Compares cells with what is live in the table. */
export class PartitionJudge {
  readonly #base: FingerprintBase
  readonly #grid: CellGrid
  readonly #asked: readonly string[]
  readonly #live: LiveParts
  /** Variants whose parameters are known. */
  readonly #known: ReadonlySet<string>
  readonly #windowOf: (variants: readonly string[]) => JobWindow
  readonly #onForeign: OnForeign | undefined

  /**
   * @param asked ids of the variants asked for, sorted
   * @param windowOf the window of variants that run together: that of the one which looks farthest
   * @param onForeign 'keep': rows that another program changed are as they should be
   */
  constructor(
    base: FingerprintBase,
    grid: CellGrid,
    asked: readonly string[],
    live: LiveParts,
    windowOf: (variants: readonly string[]) => JobWindow,
    onForeign?: OnForeign,
  ) {
    this.#base = base
    this.#grid = grid
    this.#asked = asked
    this.#live = live
    this.#known = new Set([...asked, ...live.variants.map(({ id }) => id)])
    this.#windowOf = windowOf
    this.#onForeign = onForeign
  }

  /** @param replaced packs that are taken out: what is in them has to run */
  judge(days: InstrumentDays, cell: number, replaced?: ReadonlySet<Pack>): JudgedCell {
    const judged = this.#judge(days, cell, replaced)
    // What another program brought may be just these rows.
    if (judged.state !== 'run' || this.#onForeign !== 'keep' || this.#live.packs.length === 0) return judged
    const startNs = BigInt(cell) * this.#grid.sliceNs
    const endNs = startNs + this.#grid.sliceNs
    const isThere = (pack: Pack): boolean => pack.added !== null && isOfInstrument(pack, days) && mayHold(pack, startNs, endNs)
    return this.#live.packs.some(isThere) ? { ...CACHED, reason: 'left to another program' } : judged
  }

  #judge(days: InstrumentDays, cell: number, replaced?: ReadonlySet<Pack>): JudgedCell {
    const startNs = BigInt(cell) * this.#grid.sliceNs
    const endNs = startNs + this.#grid.sliceNs
    const name = `${days.venue}/${days.symbol}/${startNs}/${endNs}`
    const parts = this.#live.of(days.venue, days.symbol, startNs, endNs)
    if (parts.length === 0) return this.#toRun(days, cell, name, 'run', 'not in the table', this.#asked)
    const missing = new Set(this.#asked)
    const stale: LivePart[] = []
    const reasons = new Set<string>()
    for (const part of parts) {
      const isReplaced = part.pack !== undefined && replaced?.has(part.pack) === true
      if (!isReplaced && !part.variants.some((variant) => missing.has(variant))) continue
      const reason = this.#whyStale(days, cell, name, part) ?? (isReplaced ? `in one part with others, by ${part.pack!.by}` : null)
      if (reason === null) for (const variant of part.variants) missing.delete(variant)
      else {
        stale.push(part)
        reasons.add(reason)
      }
    }
    if (missing.size === 0 && stale.length === 0) return { ...CACHED, restart: parts[0]!.restart }
    if (stale.length === 0) return this.#toRun(days, cell, name, 'run', 'new parameters', [...missing].sort())
    // A part is replaced as a whole.
    const others = stale.flatMap((part) => part.variants.filter((id) => this.#known.has(id)))
    const variants = [...new Set([...missing, ...others])].sort()
    return this.#toRun(days, cell, name, 'stale', [...reasons].sort().join('; '), variants)
  }

  /** A cell with rows whose input is gone: all that is known to be there is to be taken out. Null: nothing is known of it. */
  judgeGone(days: InstrumentDays, cell: number): JudgedCell | null {
    const startNs = BigInt(cell) * this.#grid.sliceNs
    const endNs = startNs + this.#grid.sliceNs
    const isKept = ({ pack }: LivePart): boolean => this.#onForeign === 'keep' && pack !== undefined && pack.changed !== null
    const parts = this.#live.of(days.venue, days.symbol, startNs, endNs).filter((part) => !isKept(part))
    const whole = parts.filter(({ variants }) => variants.every((id) => this.#known.has(id)))
    const variants = [...new Set(whole.flatMap((part) => part.variants))].sort()
    if (variants.length === 0) return null
    const name = `${days.venue}/${days.symbol}/${startNs}/${endNs}`
    return { ...this.#toRun(days, cell, name, 'stale', INPUT_GONE, variants), days: [Number.POSITIVE_INFINITY, -1] }
  }

  /** Why a live part is not what a run would give now; null when it is. */
  #whyStale(days: InstrumentDays, cell: number, name: string, part: LivePart): string | null {
    const by = part.pack?.changed ?? null
    if (by !== null) return this.#onForeign === 'keep' ? null : `changed: ${by}`
    const inputs = days.recorded.of(part.restart, days.windowOf(this.#grid, cell, this.#windowOf(part.variants)))
    const isOf = (base: FingerprintBase, onCorrupt: OnCorrupt, of: string): boolean =>
      fingerprintOf({ ...base, onCorrupt }, name, of, part.variants) === part.fingerprint
    const isSkipping = this.#base.onCorrupt === 'skip'
    // What met no damage is the same either way.
    if (isOf(this.#base, 'abort', inputs) || (isSkipping && isOf(this.#base, 'skip', inputs))) return null
    const changed = [
      ...(part.bundle === this.#base.bundle ? [] : ['code changed']),
      ...(part.engine === this.#base.engine ? [] : ['engine changed']),
      ...(part.inputs === inputs ? [] : ['input changed']),
      ...(!isSkipping && isOf(part, 'skip', part.inputs) ? ['damage is no longer skipped'] : []),
    ]
    return changed.length === 0 ? 'fingerprint differs' : changed.join(', ')
  }

  #toRun(
    days: InstrumentDays,
    cell: number,
    name: string,
    state: 'run' | 'stale',
    reason: string,
    variants: readonly string[],
  ): JudgedCell {
    const window = this.#windowOf(variants)
    const [first, last] = days.windowOf(this.#grid, cell, window)
    const restart = days.restartOf(windowStartNs(BigInt(cell) * this.#grid.sliceNs, window))
    const range = [days.planned.firstIndex(restart, first), last] as const
    const inputs = days.planned.range(range[0], range[1])
    return { state, reason, variants, restart, inputs, fingerprint: fingerprintOf(this.#base, name, inputs, variants), days: range }
  }
}

const INPUT_GONE = 'input gone'

const CACHED: JudgedCell = {
  state: 'cached',
  reason: 'in the table',
  variants: [],
  restart: 'window',
  inputs: '',
  fingerprint: '',
  days: [0, -1],
}

/** A partition for people: `binance-spot/btcusdt/2024-08-08T00:00:00Z`. */
export function partitionText(venue: string, symbol: string, startNs: bigint): string {
  return `${venue}/${symbol}/${isoTime(startNs)}`
}
