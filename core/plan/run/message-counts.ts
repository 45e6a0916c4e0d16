import type { CellTally } from '../../features/message-tally.ts'
import type { ReadIssue } from '../../message/source.ts'
import { type DamagePlace, type DamageReport, sumCounts } from './damage-report.ts'

/** What became of the messages of a partition: read = handled + the sum of `leftOut`, whatever the slices and tasks. */
export interface MessageCounts {
  /** Of the job's streams, in the cell; damaged records and stretches that were left out count, too. */
  readonly read: number
  /** Read only to warm up. */
  readonly warmUp: number
  /** Messages that the rows do without, by reason. */
  readonly leftOut: Readonly<Record<string, number>>
  /** What cost no message but should be known, by kind. */
  readonly noted: Readonly<Record<string, number>>
  /** What readers warned of, each once: `commit` counts them under `noted`, as several passes may read the same log. */
  readonly warnings?: readonly DamagePlace[]
  /** Where the first of each reason lie. */
  readonly places?: readonly DamagePlace[]
  /** Exchange time minus record time of the messages left out as `beyond-skew`, least and greatest, nanoseconds. */
  readonly skewNs?: readonly [least: string, greatest: string]
}

/** Of a partition of which nothing was read. */
export const NO_MESSAGES: MessageCounts = { read: 0, warmUp: 0, leftOut: {}, noted: {} }

/**
 * @param warmUp messages read only to warm up
 * @param folderAt key of the folder that a log's path is of
 */
export function messageCounts(
  { read, leftOut, noted, places, skew }: CellTally,
  damage: DamageReport | null,
  warmUp: number,
  folderAt: (path: string) => string,
): MessageCounts {
  const damaged = damage?.codes ?? {}
  return {
    read: read + totalOf(damaged),
    warmUp,
    leftOut: sumCounts(leftOut, damaged),
    noted,
    ...(places.length > 0 && {
      places: places.map(({ reason, path, segment, offset }): DamagePlace => {
        return { folder: folderAt(path), segment, offset, code: reason }
      }),
    }),
    ...(skew !== null && { skewNs: [nanosText(skew.minMicros), nanosText(skew.maxMicros)] as const }),
  }
}

/** Warnings of readers that somebody who trusts the rows should know: nothing is lost for certain. */
const TOLD_WARNINGS = new Set(['log-ends-early', 'log-begins-late', 'segment-unfinished', 'segment-name', 'segment-twice'])

/** What readers of a pass warn of, each once. */
export class PassWarnings {
  readonly #known = new Set<string>()
  #fresh: DamagePlace[] = []

  add({ code, segment }: ReadIssue, folder: string): void {
    if (!TOLD_WARNINGS.has(code) && !code.startsWith('index-')) return
    const place: DamagePlace = { folder, ...(segment !== undefined && { segment }), code }
    const name = warningName(place)
    if (this.#known.has(name)) return
    this.#known.add(name)
    this.#fresh.push(place)
  }

  /** Those since the last call, as a part of `MessageCounts`. */
  take(): Pick<MessageCounts, 'warnings'> {
    const warnings = this.#fresh
    this.#fresh = []
    return warnings.length === 0 ? {} : { warnings }
  }
}

export function warningName({ folder, segment, code }: DamagePlace): string {
  return `${code} ${folder} ${segment}`
}

/** All counts together. */
export function totalOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0)
}

function nanosText(micros: number): string {
  return String(BigInt(Math.round(micros)) * 1000n)
}
