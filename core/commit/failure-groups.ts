import type { ErrorCategory, ReplayError } from '../errors.ts'
import { partitionText } from '../plan/partition-state.ts'
import type { MissingPartition } from '../plan/run/run-receipts.ts'

/** Failures with one cause. */
export interface FailureGroup {
  readonly code: string
  readonly category: ErrorCategory
  /** Of the first. */
  readonly message: string
  readonly partitions: number
  /** The first of them, as text and as what a command line needs to run it alone. */
  readonly first: string
  readonly venue: string
  readonly symbol: string
  /** Nanoseconds since the epoch, half-open. */
  readonly startNs: string
  readonly endNs: string
}

/** At most so many groups; the rest counts to the last. */
const MAX_GROUPS = 10

/**
 * Groups partitions that have no receipt by cause: code and message, numbers and ids of variants aside.
 * @param lost errors of whole tasks, by task
 */
export function groupFailures(missing: Iterable<MissingPartition>, lost: ReadonlyMap<string, ReplayError>): FailureGroup[] {
  const groups = new FailureGroups(lost)
  for (const partition of missing) groups.add(partition)
  return groups.list()
}

/** The same of partitions that come one after the other. */
export class FailureGroups {
  readonly #lost: ReadonlyMap<string, ReplayError>
  readonly #groups = new Map<string, FailureGroup>()

  constructor(lost: ReadonlyMap<string, ReplayError> = new Map()) {
    this.#lost = lost
  }

  add({ task, venue, symbol, startNs, endNs, error }: MissingPartition): void {
    const groups = this.#groups
    const { code, category, message } = error ?? this.#lost.get(task) ?? NOT_RUN
    const cause = `${code} ${message.replace(/ \([^()]*\)$/, '').replaceAll(/\b[0-9a-f]{16}\b|\d+/g, '#')}`
    const last = [...groups.keys()].at(-1)
    const key = groups.has(cause) || groups.size < MAX_GROUPS ? cause : last!
    const known = groups.get(key)
    const first = partitionText(venue, symbol, startNs)
    const place = { first, venue, symbol, startNs: String(startNs), endNs: String(endNs) }
    groups.set(
      key,
      known === undefined ? { code, category, message, partitions: 1, ...place } : { ...known, partitions: known.partitions + 1 },
    )
  }

  list(): FailureGroup[] {
    return [...this.#groups.values()].sort((a, b) => b.partitions - a.partitions)
  }
}

const NOT_RUN = { code: 'not-run', category: 'transient', message: 'no receipt: not begun, or ended before it was done' } as const
