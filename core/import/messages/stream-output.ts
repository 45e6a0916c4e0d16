import { ReplayError } from '../../errors.ts'
import type { LogStager, StagedLog } from '../logs/log-stager.ts'
import type { ImportRange } from './import-range.ts'
import { type ImportTally, LARGEST_STEP } from './import-tally.ts'
import { Instant } from './instant.ts'
import type { InstrumentIdentity, StreamName } from './instrument-identity.ts'

/**
 * One stream of an instrument: a log per UTC day of the record times, which never step back in it: one that does gets the time of
 * the record before.
 */
export abstract class StreamOutput {
  readonly identity: InstrumentIdentity
  readonly stream: StreamName
  /** The log of the day; null before the first message. */
  protected log: StagedLog | null = null
  /** Of the message being written: what its record gets. */
  protected readonly record = new Instant()
  readonly #stager: LogStager
  readonly #tally: ImportTally
  #isWanted: boolean
  readonly #from: Instant | null
  readonly #to: Instant | null
  readonly #dayEnd = new Instant()

  constructor(
    identity: InstrumentIdentity,
    stream: StreamName,
    isWanted: boolean,
    stager: LogStager,
    tally: ImportTally,
    range: ImportRange,
  ) {
    this.identity = identity
    this.stream = stream
    this.#stager = stager
    this.#tally = tally
    this.#isWanted = isWanted && (range.streams === undefined || range.streams.has(stream.name))
    this.#from = range.fromNs === undefined ? null : new Instant().setNs(range.fromNs)
    this.#to = range.toNs === undefined ? null : new Instant().setNs(range.toNs)
  }

  /** Whether messages of it are wanted at all. */
  get isWanted(): boolean {
    return this.#isWanted
  }

  /** Number of the next record in its log. */
  protected get seq(): number {
    return this.log?.records ?? 0
  }

  /** Called when a day begins. */
  protected beginDay(): void {}

  /** Settles the time of the next record, and the log it goes to. False: it is outside of what is wanted. */
  protected begin(received: Instant): boolean {
    if (!this.#isWanted) return false
    if (this.#from !== null && received.isBefore(this.#from)) return false
    if (this.#to !== null && !received.isBefore(this.#to)) return false
    const { record } = this
    if (this.log !== null && received.isBefore(record)) this.#raise(received)
    else record.copy(received)
    return (this.log !== null && record.isBefore(this.#dayEnd)) || this.#openDay()
  }

  protected append(typeId: number, payload: Uint32Array, length: number): void {
    this.log!.append(typeId, this.record.low, this.record.high, payload, length)
  }

  /** The record keeps the time of the one before it. */
  #raise(received: Instant): void {
    const stepNs = this.record.ns - received.ns
    this.#tally.note('times raised')
    const { noted } = this.#tally.counts
    noted[LARGEST_STEP] = Math.max(noted[LARGEST_STEP] ?? 0, Number(stepNs / 1000n))
  }

  /** False: another symbol has its folder. @throws ReplayError input `symbol-collision` unless what is damaged is skipped */
  #openDay(): boolean {
    const day = this.record.ns / DAY_NS
    this.#dayEnd.setNs((day + 1n) * DAY_NS)
    const log = this.#stager.open(this.identity, new Date(Number(day) * 86_400_000).toISOString().slice(0, 10), this.stream)
    if (log.identity.exchangeSymbol !== this.identity.exchangeSymbol) return this.#yield(log.identity.exchangeSymbol)
    this.log = log
    this.beginDay()
    return true
  }

  /** Leaves the code to the symbol that had it first. */
  #yield(first: string): false {
    const { symbol, exchangeSymbol } = this.identity
    if (!this.#tally.isSkipping) {
      const both = `two symbols have the code ${symbol}: ${JSON.stringify(first)} and ${JSON.stringify(exchangeSymbol)}`
      const how = 'import them apart, with --symbols and --venue; --on-error skip leaves the second one out'
      throw new ReplayError('symbol-collision', `${both}; ${how}`, { category: 'input' })
    }
    this.#tally.note(`streams of ${exchangeSymbol}, which has the code of ${first}`)
    this.log = null
    this.#isWanted = false
    return false
  }
}

const DAY_NS = 86_400_000_000_000n
