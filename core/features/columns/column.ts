import { ReplayError } from '../../errors.ts'
import type { MessageCursor } from '../../message/message.ts'
import type { BookEventView } from '../../protocol/book-event.ts'
import type { BookTickerView } from '../../protocol/book-ticker.ts'
import type { TradeView } from '../../protocol/trade.ts'
import type { FeatureBook } from '../feature-book.ts'

/** The type of a column; values are numbers in any case: of `bool` 0 or 1, of `i64` whole numbers of at most 2⁵³. */
export type FeatureType = 'f64' | 'i64' | 'i32' | 'bool'

/**
 * What the state behind a column may hear of. All calls come in the order of the clock; views are valid during the call.
 * State must be a function of the messages since `reset`, or of those in the column's window (`warmUpNs`) and bucket.
 */
export interface FeatureHandlers {
  /** Start of a pass, and after each gap, at a time in microseconds: forget what depends on continuity. The book is as it will be found by the next message. */
  reset?(micros: number): void
  trade?(trade: TradeView): void
  /**
   * A book event was applied to the book.
   * @param restarted whether it replaced or cleared the whole book (snapshot, reset), so that nothing follows from what was before
   */
  book?(event: BookEventView, restarted: boolean): void
  ticker?(ticker: BookTickerView): void
  /** Every message, before the handler of its type. Only with the record clock. */
  message?(message: MessageCursor): void
  /** Messages are missing, before `reset`, at a time in microseconds; `isOpen`: the book is not to be trusted. Again with false when it can be. */
  gap?(isOpen: boolean, micros: number): void
  /** Grid of absolute time at which `sample` is called, in nanoseconds; a whole number of microseconds. */
  readonly sampleEveryNs?: number
  /**
   * `intervals` intervals of the grid have ended, the book being all the while as it is now: as before the first message at or
   * after their ends. More than one when nothing happened in between.
   * @param endMicros the end of the last one, microseconds since the epoch
   */
  sample?(intervals: number, endMicros: number): void
  /**
   * Before the values of a row are read; its time, `ts_ns`: microseconds since the epoch, and nanoseconds (0 to 999) beyond them.
   */
  row?(micros: number, nanos: number): void
  /** After a row, or when a bucket that gives no row ends: what is counted per row starts again. */
  nextRow?(): void
  /** In place of a row that is not written, before `nextRow`: it belongs to the warm-up. */
  muted?(): void
  /** A UTC day ends, after its last bar. */
  dayEnds?(): void
  /** Until the next message bars that make no row are nothing to it, neither `muted` nor `nextRow`. @default false */
  sleeps?(): boolean
}

/** One column at work. */
export interface FeatureState extends FeatureHandlers {
  /** The value for a row; NaN or an infinity is written as NULL. */
  value(): number
  /** The column is there for its handlers alone: it is NULL in each row. */
  readonly isEmpty?: boolean
}

/** The message being handled, or the end of a day. */
export interface EngineMoment {
  /** Nanoseconds since the epoch. */
  timeLow: number
  timeHigh: number
  /** Time of the message's record, nanoseconds since the epoch. */
  recordLow: number
  recordHigh: number
  /** The engine's clock, which never steps back, in microseconds. */
  micros: number
  /** The same in nanoseconds: when rows made now are known. */
  clockLow: number
  clockHigh: number
  /** Position as in EngineMessage; `positionHigh` < 0: none. */
  positionLow: number
  positionHigh: number
  /** Counts moments. */
  number: number
}

/** What the columns of one table share. */
export interface ColumnContext {
  /** The book of the instrument. */
  readonly book: FeatureBook
  /** State that several columns read: made at the first call with this key, its handlers are called before those of the columns. */
  share<T extends FeatureHandlers>(key: string, make: () => T): T
  /** Ends a row at the engine's clock (in `dayEnds`: at the last nanosecond of the day), besides those of the trigger. */
  emit(): void
  /**
   * As `emit`, with a time of the column's own, of no message: nanoseconds since the epoch, in the bar or day that is about to end.
   * @param isBarEnd the time is the end of that bar. @default false
   */
  emitAt(timeLow: number, timeHigh: number, isBarEnd?: boolean): void
  /** The column cannot use the message at hand, e.g. `not-a-number`: counted once per message and reason, in `FeatureStats.unusable`. */
  leaveOut(reason: string): void
  /** A value of the column, or a row, could not be stored: counted in `FeatureStats.notRepresentable`. */
  loseValue(reason: string): void
  /** What is being handled. */
  readonly moment: EngineMoment
}

/** A column of a feature table. */
export interface FeatureColumn {
  /** Name in the table. */
  readonly name: string
  readonly type: FeatureType
  /** How far back the column looks, beyond the current bucket. */
  readonly warmUpNs: number
  create(context: ColumnContext): FeatureState
  /**
   * Of a built-in column: what the kernel of books computes for it, so that a table need not `create` it.
   * @throws ReplayError input `column-params`
   */
  readonly kernel?: () => KernelValue
}

/** What the kernel computes for a column: one of KERNEL_VALUES (kernel-columns.ts), and of which levels. */
export interface KernelValue {
  readonly what: number
  /** Of `top`: the level, from 0 on. */
  readonly level?: number
  /** Levels of an imbalance; of a depth, its bound as a multiple of the mid. */
  readonly param?: number
}

/** Parameters of a column by name, with their defaults; in text they follow the name in this order: `imbalance:5`. */
export type ColumnParams = Readonly<Record<string, number | string>>

/** Literal types of defaults (`{ depth: 5 }`) as the types that values may have (`{ depth: number }`). */
export type ParamValues<P extends ColumnParams> = { readonly [K in keyof P]: P[K] extends number ? number : string }

/** What a name in a list of columns stands for: one column, or a group of them. */
export interface ColumnDefinition {
  readonly name: string
  /** @throws ReplayError input `column-params` for too many or wrong parameters */
  columns(words: readonly string[]): readonly FeatureColumn[]
}

export interface ColumnSpec<P extends ColumnParams> {
  /** `[a-z0-9_]+`; the column is called so, with the given parameters behind it: `imbalance:5` is `imbalance_5`. */
  readonly name: string
  readonly type: FeatureType
  readonly params?: P
  /** How far back the column looks, beyond the current bucket. @default 0 */
  readonly warmUpNs?: number | ((params: ParamValues<P>) => number)
  create(params: ParamValues<P>, context: ColumnContext): FeatureState
}

/**
 * Defines a column:
 * ```ts
 * const flow = defineColumn({
 *   name: 'signed_flow', type: 'f64',
 *   create() {
 *     let flow = 0
 *     return {
 *       reset() { flow = 0 },
 *       trade(t) { flow += t.isBuyerMaker ? -t.quantity : t.quantity },
 *       nextRow() { flow = 0 },
 *       value: () => flow,
 *     }
 *   },
 * })
 * ```
 */
export function defineColumn<const P extends ColumnParams = Record<never, never>>(spec: ColumnSpec<P>): ColumnDefinition {
  const { name, type, warmUpNs = 0 } = spec
  return {
    name,
    columns(words) {
      const params = paramsOf(name, spec.params ?? ({} as P), words)
      return [
        {
          name: columnName(name, words),
          type,
          warmUpNs: typeof warmUpNs === 'function' ? warmUpNs(params) : warmUpNs,
          create: (context) => spec.create(params, context),
        },
      ]
    },
  }
}

/** Defines a name for several columns, e.g. `top:5`. */
export function defineColumnGroup<const P extends ColumnParams = Record<never, never>>(spec: {
  readonly name: string
  readonly params?: P
  columns(params: ParamValues<P>): readonly FeatureColumn[]
}): ColumnDefinition {
  return { name: spec.name, columns: (words) => spec.columns(paramsOf(spec.name, spec.params ?? ({} as P), words)) }
}

/** @throws ReplayError input `column-params` unless `value` is a whole number from 1 to `max` */
export function requireCount(column: string, value: number, max: number): void {
  if (!Number.isInteger(value) || value < 1 || value > max) throw paramError(column, `a whole number from 1 to ${max}`, String(value))
}

export function columnName(name: string, words: readonly string[]): string {
  return [name, ...words].join('_').replaceAll(/[^a-z0-9_]/gi, '_')
}

export function paramsOf<P extends ColumnParams>(column: string, defaults: P, words: readonly string[]): ParamValues<P> {
  const names = Object.keys(defaults)
  if (words.length > names.length) {
    throw paramError(column, names.length === 0 ? 'no parameters' : `at most ${[column, ...names].join(':')}`, [column, ...words].join(':'))
  }
  const given = names.slice(0, words.length).map((name, i) => {
    const word = words[i]!
    if (typeof defaults[name] === 'string') return [name, word]
    const value = Number(word)
    if (word === '' || !Number.isFinite(value) || value <= 0) throw paramError(column, `a positive number for ${name}`, word)
    return [name, value]
  })
  return { ...defaults, ...Object.fromEntries(given) } as ParamValues<P>
}

function paramError(column: string, expected: string, found: string): ReplayError {
  return new ReplayError('column-params', `column ${column}: expected ${expected}, found "${found}"`, { category: 'input' })
}
