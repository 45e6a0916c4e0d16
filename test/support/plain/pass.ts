import type { PlainMessage } from './archive.ts'
import { PlainBook } from './book.ts'
import type { PlainRow } from './rows.ts'

const DAY_NS = 86_400_000_000_000n

/** What a plain job hears, message by message. All times are of the job's clock. */
export interface PlainJob {
  /** Length of the bars; absent: no bars. */
  readonly everyNs?: bigint
  readonly fill?: boolean
  /** `true`: trades and book events by exchange time, bar by bar. */
  readonly byExchange?: boolean
  readonly warmUpNs?: bigint
  readonly hasBook?: boolean
  message?(message: PlainMessage, moment: PlainMoment): void
  /** After a gap. */
  reset?(): void
  /** A gap, or the end of one. */
  gap?(): void
  /** A bar ends. */
  row?(moment: PlainMoment): PlainRow
  /** A day ends. */
  end?(moment: PlainMoment): PlainRow | null
}

/** Where a pass is. */
export interface PlainMoment {
  readonly book: PlainBook
  /** Whether the last message changed the book. */
  readonly isApplied: boolean
  /** Writes a row at this message. */
  emit(row: PlainRow): void
  /** Writes a row of the trigger at this message. */
  eventRow(row: PlainRow): void
}

/** What became of the messages that a pass read: read = handled + left out. */
export interface PlainTally {
  read: number
  /** By reason. */
  readonly leftOut: Record<string, number>
  /** What cost no message, by kind. */
  readonly noted: Record<string, number>
}

export interface PlainResult {
  /** With time, position and number. */
  readonly rows: readonly PlainRow[]
  readonly tally: PlainTally
}

/** One pass over the messages of an instrument, from the first to the last: the rows of a job. */
export function plainPass(all: readonly PlainMessage[], dates: ReadonlySet<string>, job: PlainJob): PlainResult {
  const rows: PlainRow[] = []
  const { everyNs, warmUpNs = 0n, hasBook = false } = job
  const book = new PlainBook()
  const tally: PlainTally = { read: all.length, leftOut: {}, noted: {} }
  const messages = all.filter((message) => isUsed(message, hasBook, tally))
  const timed =
    job.byExchange === true ? byExchange(messages, everyNs!, tally) : messages.map((message) => ({ message, timeNs: message.timeNs }))
  let [clockNs, bar, day] = [0n, 0n, 0n]
  let barSeq: bigint | null = null
  let [isTouched, isGapOpen, wholeFromNs] = [false, false, -1n]
  let isApplied = false
  let at: { timeNs: bigint; seq: bigint | null } = { timeNs: 0n, seq: null }
  let number = 0

  /** @param timeNs when the row is known @param cellNs a time of its cell */
  const put = (
    timeNs: bigint,
    cellNs: bigint,
    seq: bigint | null,
    row: number,
    gap: boolean,
    barOf: bigint | null,
    own: PlainRow,
  ): void => {
    const date = dateOf(cellNs)
    if (!dates.has(date) && seq === null) return
    rows.push({
      ...own,
      date,
      ts: timeNs / 1000n,
      ts_ns: timeNs,
      seq,
      row,
      ...(hasBook && { gap }),
      ...(barOf !== null && everyNs !== undefined && barTimes(barOf * everyNs, (barOf + 1n) * everyNs)),
    })
  }
  const micros = (timeNs: bigint): bigint => timeNs - (timeNs % 1000n)
  const moment: PlainMoment = {
    book,
    get isApplied() {
      return isApplied
    },
    emit(own) {
      const gap = isGapOpen || micros(clockNs) < wholeFromNs
      put(clockNs, clockNs, at.seq, number++, gap, everyNs === undefined ? null : clockNs / everyNs, own)
    },
    eventRow(own) {
      put(clockNs, clockNs, at.seq, number++, isTouched || micros(at.timeNs) < wholeFromNs, null, own)
      isTouched = isGapOpen
    },
  }
  const endBar = (): void => {
    const [startNs, endNs] = [bar * everyNs!, (bar + 1n) * everyNs!]
    if (barSeq !== null || job.fill === true) put(endNs, startNs, barSeq, 0, isTouched || endNs < wholeFromNs, bar, job.row!(moment))
    barSeq = null
    isTouched = isGapOpen
  }
  const endDay = (): void => {
    const endNs = (day + 1n) * DAY_NS
    ;[clockNs, at, number] = [endNs - 1n, { timeNs: endNs - 1n, seq: null }, 0]
    const own = job.end?.(moment)
    if (own !== null && own !== undefined) moment.emit(own)
    if (everyNs !== undefined) return
    isTouched = isGapOpen
    barSeq = null
  }
  /** Ends what ends up to a time. */
  const advance = (untilNs: bigint): void => {
    for (;;) {
      const barEndNs = everyNs === undefined ? untilNs + 1n : (bar + 1n) * everyNs
      const dayEndNs = (day + 1n) * DAY_NS
      const nextNs = barEndNs < dayEndNs ? barEndNs : dayEndNs
      if (nextNs > untilNs) return
      if (barEndNs === nextNs) {
        endBar()
        bar = job.fill === true ? bar + 1n : untilNs / everyNs!
      }
      if (dayEndNs === nextNs) {
        endDay()
        day++
      }
    }
  }

  const [firstDayNs, lastDayNs] = [[...dates].sort()[0]!, [...dates].sort().at(-1)!].map((date) => BigInt(Date.parse(date)) * 1_000_000n)
  let startNs = firstDayNs!
  for (const { timeNs } of timed) if (timeNs < startNs) startNs = timeNs
  clockNs = startNs
  day = startNs / DAY_NS
  bar = everyNs === undefined ? 0n : startNs / everyNs
  for (const { message, timeNs } of timed) {
    const nowNs = timeNs > clockNs ? timeNs : clockNs
    advance(nowNs)
    clockNs = nowNs
    at = { timeNs, seq: message.position }
    number = 0
    isApplied = false
    if (message.typeId === 0x1000 && hasBook) {
      const outcome = book.apply(message.payload, message.recordSeq === 0n)
      isApplied = outcome.isApplied
      if (outcome.leftOut !== undefined) count(tally.leftOut, outcome.leftOut)
      if (outcome.isGap) {
        isTouched = true
        isGapOpen = true
        wholeFromNs = micros(timeNs) + warmUpNs
        job.gap?.()
        job.reset?.()
      }
      if (outcome.endsGap) {
        isGapOpen = false
        // None is missing of what it begins with.
        if (barSeq === null && micros(timeNs) % (everyNs ?? DAY_NS) === 0n) isTouched = false
        wholeFromNs = micros(timeNs) + warmUpNs
        job.gap?.()
      }
    }
    barSeq = message.position
    job.message?.(message, moment)
  }
  const endNs = lastDayNs! + DAY_NS
  advance(clockNs < endNs ? endNs : (clockNs / DAY_NS + 1n) * DAY_NS)
  return { rows, tally }
}

function barTimes(startNs: bigint, endNs: bigint): PlainRow {
  return { bar_start: startNs / 1000n, bar_start_ns: startNs, bar_end: endNs / 1000n, bar_end_ns: endNs }
}

/** A message whose time is wild does for nothing but a book. */
function isUsed({ isWild, isUnusable, isStepBack, isDiffering, typeId }: PlainMessage, hasBook: boolean, tally: PlainTally): boolean {
  if (isStepBack) count(tally.noted, 'clock-step-back')
  if (isDiffering) count(tally.noted, 'index-differs')
  if (!isWild) return true
  const isKept = hasBook && typeId === 0x1000 && !isUnusable
  if (isKept) count(tally.noted, 'time-corrected')
  else count(tally.leftOut, 'wild-time')
  return isKept
}

function count(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1
}

/** A trade belongs to the bar of its own time, a book event to that of the latest up to it; bar by bar, in order of arrival. */
function byExchange(
  messages: readonly PlainMessage[],
  everyNs: bigint,
  { leftOut, noted }: PlainTally,
): { readonly message: PlainMessage; readonly timeNs: bigint }[] {
  const maxSkewNs = 5_000_000_000n
  let [bookNs, latestNs] = [0n, 0n]
  const timed = messages.flatMap((message) => {
    if (message.timeNs > latestNs) latestNs = message.timeNs
    /** Bars before this are closed: record time has passed them by the skew. */
    const openNs = ((latestNs - maxSkewNs) / everyNs) * everyNs
    const isBook = message.typeId === 0x1000
    let timeNs = message.payload.getBigUint64(isBook ? 32 : 0, true)
    const away = timeNs > message.timeNs ? timeNs - message.timeNs : message.timeNs - timeNs
    if (!isBook && (away > maxSkewNs || timeNs < openNs)) {
      count(leftOut, away > maxSkewNs ? 'beyond-skew' : 'late')
      return []
    }
    if (isBook) {
      if (away > maxSkewNs) count(noted, 'beyond-skew')
      if (away > maxSkewNs || timeNs < bookNs || timeNs < openNs) timeNs = bookNs > openNs ? bookNs - (bookNs % 1000n) : openNs
      bookNs = timeNs
    }
    return [{ message, timeNs, bar: timeNs / everyNs }]
  })
  return timed.sort((a, b) => (a.bar < b.bar ? -1 : a.bar > b.bar ? 1 : 0))
}

export function dateOf(timeNs: bigint): string {
  return new Date(Number(timeNs / 1_000_000n)).toISOString().slice(0, 10)
}
