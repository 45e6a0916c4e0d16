/** Who has to act on an error. It decides the exit code: input 2, corrupt 3, transient 75, bug 70. */
export type ErrorCategory = 'input' | 'corrupt' | 'transient' | 'bug'

/** Where in a log an error or issue happened; every part that is known is given. */
export interface ErrorPlace {
  /** Path or URI of the segment, log or file. */
  readonly path?: string
  /** Segment id (0-based). */
  readonly segment?: number
  /** Byte offset of the record header in the uncompressed segment. */
  readonly offset?: number
  /** Record sequence. */
  readonly seq?: bigint
  /** `venue/symbol` of a message's log. */
  readonly instrument?: string
  /** Record time of a message, ISO 8601, UTC. */
  readonly time?: string
  /** Where it may have been any of several messages in a row: how many, of which the place is that of the first. */
  readonly messages?: number
  /** Record time of the last of them. */
  readonly lastTime?: string
}

export interface ReplayErrorOptions extends ErrorPlace {
  readonly category: ErrorCategory
  readonly cause?: unknown
}

/**
 * The one error type of the library.
 * `code` is stable and kebab-case; the message says what was expected, what was found, where, and what to do next.
 */
export class ReplayError extends Error {
  override readonly name = 'ReplayError'
  readonly code: string
  readonly category: ErrorCategory
  readonly place: ErrorPlace

  constructor(code: string, message: string, options: ReplayErrorOptions) {
    const { category, cause, ...place } = options
    super(message + describePlace(place), cause === undefined ? undefined : { cause })
    this.code = code
    this.category = category
    this.place = place
  }
}

/**
 * " (btc-usd at 2024-01-01T00:00:00Z, segment 3, offset 64, seq 17, in /path)"; of several messages
 * " (btc-usd at 2024-01-01T00:00:00Z to 2024-01-01T00:01:00Z, in 12 messages from segment 3, offset 64, …)"; empty when nothing is known.
 */
export function describePlace(place: ErrorPlace): string {
  const parts: string[] = []
  const { instrument, time, messages, lastTime } = place
  const times = lastTime === undefined ? time : `${time} to ${lastTime}`
  if (instrument !== undefined) parts.push(times === undefined ? instrument : `${instrument} at ${times}`)
  else if (times !== undefined) parts.push(times)
  const several = messages === undefined ? '' : `in ${messages} messages from `
  if (place.segment !== undefined) parts.push(`${several}segment ${place.segment}`)
  if (place.offset !== undefined) parts.push(`offset ${place.offset}`)
  if (place.seq !== undefined) parts.push(`seq ${place.seq}`)
  if (place.path !== undefined) parts.push(`in ${place.path}`)
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`
}

/** Exit code of a run of which something is missing. */
export const EXIT_PARTIAL = 4
/** Exit code of what may go well the next time. */
export const EXIT_AGAIN = 75

/** The exit code of the command line for an error: see ErrorCategory; anything unknown is a bug. */
export function exitCodeOf(error: unknown): number {
  if (!(error instanceof ReplayError)) return 70
  return { input: 2, corrupt: 3, transient: EXIT_AGAIN, bug: 70 }[error.category]
}
