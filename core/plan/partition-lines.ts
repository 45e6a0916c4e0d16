import type { CellBytes, InstrumentDays } from './archive/instrument-days.ts'
import type { ShareLine } from './run/task-share.ts'
import type { CutPartition, TaskCut } from './task-cuts.ts'
import { TextHeap } from './text-heap.ts'

/** The partitions that run: their lines in a heap of text, and numbers to cut tasks by. */
export class PartitionLines {
  readonly instruments: { readonly days: InstrumentDays; readonly first: number }[] = []
  readonly #text = new TextHeap()
  readonly #lines: number[] = []
  readonly #from: number[] = []
  readonly #start: number[] = []
  readonly #end: number[] = []
  readonly #canRestart: boolean[] = []
  readonly #firstDay: number[] = []
  readonly #lastDay: number[] = []

  get count(): number {
    return this.#lines.length
  }

  startInstrument(days: InstrumentDays): void {
    if (this.instruments.at(-1)?.first === this.count) this.instruments.pop()
    this.instruments.push({ days, first: this.count })
  }

  /** @param days first and last of the days that it depends on, by index */
  add(line: ShareLine, { from, start, end }: CellBytes, canRestart: boolean, days: readonly [first: number, last: number]): void {
    this.#lines.push(this.#text.write(JSON.stringify(line)))
    this.#from.push(from)
    this.#start.push(start)
    this.#end.push(end)
    this.#firstDay.push(days[0])
    this.#lastDay.push(days[1])
    this.#canRestart.push(canRestart || this.instruments.at(-1)!.days.hasSnapshots)
  }

  line(index: number): string {
    return this.#text.read(this.#lines[index]!)
  }

  /** The parts of a range of partitions that belong to one instrument each. */
  *byInstrument({ first, partitions }: TaskCut): Generator<{ days: InstrumentDays; first: number; end: number }, void, undefined> {
    let at = this.#instrumentOf(first)
    for (let next = first; next < first + partitions; at++) {
      const end = Math.min(first + partitions, this.instruments[at + 1]?.first ?? this.count)
      if (end > next) yield { days: this.instruments[at]!.days, first: next, end }
      next = Math.max(next, end)
    }
  }

  /** Days, by index, from the first that partitions of an instrument depend on to the last. */
  daysOf(first: number, end: number): readonly [first: number, last: number] {
    let [from, to] = [Number.POSITIVE_INFINITY, -1]
    for (let i = first; i < end; i++) {
      from = Math.min(from, this.#firstDay[i]!)
      to = Math.max(to, this.#lastDay[i]!)
    }
    return [from, to]
  }

  *cuts(): Generator<CutPartition, void, undefined> {
    let instrument = 0
    for (let i = 0; i < this.count; i++) {
      while ((this.instruments[instrument + 1]?.first ?? Number.POSITIVE_INFINITY) <= i) instrument++
      const bytes = { from: this.#from[i]!, start: this.#start[i]!, end: this.#end[i]! }
      yield { instrument, bytes, canRestart: this.#canRestart[i]! }
    }
  }

  /** Bytes to read before a partition begins. */
  leadOf(index: number): number {
    return this.#start[index]! - this.#from[index]!
  }

  /** Objects that tasks open. */
  objectsRead(tasks: readonly TaskCut[]): number {
    let objects = 0
    for (const task of tasks) {
      for (const { days, first, end } of this.byInstrument(task)) objects += days.objectsBetween(this.#from[first]!, this.#end[end - 1]!)
    }
    return objects
  }

  #instrumentOf(index: number): number {
    let low = 0
    let high = this.instruments.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.instruments[middle]!.first <= index) low = middle + 1
      else high = middle
    }
    return low - 1
  }
}
