import type { DamagePlace } from '../core/plan/run/damage-report.ts'
import { totalOf } from '../core/plan/run/message-counts.ts'
import { countText } from './output.ts'

/** What became of messages: of a run, or of a log. */
export interface LeftOut {
  readonly read: number
  /** By reason. */
  readonly leftOut: Readonly<Record<string, number>>
  /** What cost no message, by kind. */
  readonly noted: Readonly<Record<string, number>>
  /** Of `leftOut`, damage that was skipped, by reason: a record each, or a stretch of any number. */
  readonly damaged?: Readonly<Record<string, number>> | undefined
  /** Partitions that something was left out of. */
  readonly partitions?: number
  /** The first known place of a reason. */
  readonly first?: Readonly<Record<string, DamagePlace>>
  /** Exchange time minus record time of what was left out as `beyond-skew`, least and greatest, nanoseconds. */
  readonly skewNs: readonly [least: string, greatest: string] | null
}

/**
 * What rows do without, and what cost nothing but should be known: lines for people; none where there is nothing to tell.
 * @param archive URI that folders lie below; empty: it is not said
 */
export function leftOutTexts({ read, leftOut, damaged, noted, partitions, first, skewNs }: LeftOut, archive: string): string[] {
  const lines: string[] = []
  if (Object.keys(leftOut).length > 0) {
    const where = partitions === undefined ? '' : `, in ${countText(partitions)} ${partitions === 1 ? 'partition' : 'partitions'}`
    lines.push(`left out: ${countText(totalOf(leftOut))} of ${countText(read)} messages${where}`)
    for (const [reason, count] of byCount(leftOut)) {
      const place = first?.[reason]
      const what = damaged?.[reason] === undefined ? '' : ' (damaged records or stretches)'
      lines.push(`  ${reason} ${countText(count)}${what}${place === undefined ? '' : `; the first: ${placeText(place, archive)}`}`)
    }
  }
  if (skewNs !== null) {
    lines.push(
      `  beyond-skew: their exchange time is ${secondsText(skewNs[0])} to ${secondsText(skewNs[1])} s off their record time; if that is how they were recorded, use --max-skew ${neededSkew(skewNs)}`,
    )
  }
  if (Object.keys(noted).length > 0) lines.push(`noted: ${countsText(noted)}`)
  return lines
}

/** `a 3, b 1`, the most first. */
export function countsText(counts: Readonly<Record<string, number>>): string {
  return byCount(counts)
    .map(([name, count]) => `${name} ${countText(count)}`)
    .join(', ')
}

/** A place in a log, for people. */
export function placeText({ folder, segment, offset }: DamagePlace, archive: string): string {
  const within = `${segment === undefined ? '' : `, segment ${segment}`}${offset === undefined ? '' : `, offset ${offset}`}`
  return `${archive === '' ? '' : archive.replace(/\/*$/, '/')}${folder}${within}`
}

function byCount(counts: Readonly<Record<string, number>>): [string, number][] {
  return Object.entries(counts).sort(([, a], [, b]) => b - a)
}

function secondsText(ns: string): string {
  return String(Number(BigInt(ns) / 1_000_000n) / 1000)
}

/** The least whole number of seconds that would do. */
function neededSkew([least, greatest]: readonly [string, string]): string {
  const farthest = Math.max(Math.abs(Number(least)), Math.abs(Number(greatest)))
  return `${Math.ceil(farthest / 1e9)}s`
}
