import { ReplayError } from '../../errors.ts'

/** Where in a file something lies. */
export interface ImportPlace {
  readonly path: string
  /** From 1 on, in texts. */
  readonly line?: number
  /** Bytes, decompressed, in binary files. */
  readonly offset?: number
}

/** What became of the rows of files: each in one of them. */
export interface ImportCounts {
  /** Rows or records of files. */
  rows: number
  /** Have a message of their own. */
  written: number
  /** Are part of a message that another row began. */
  merged: number
  /** Left out by a rule, by its name. */
  readonly leftOut: Record<string, number>
  /** No message can hold them, by the reason. */
  readonly unrepresentable: Record<string, number>
  /** Damaged, by what is wrong. */
  readonly bad: Record<string, number>
  /** What else is worth knowing: counts of no row's fate. */
  readonly noted: Record<string, number>
  /** The first place of each thing that is bad. */
  readonly places: Record<string, ImportPlace>
}

export function emptyCounts(): ImportCounts {
  return { rows: 0, written: 0, merged: 0, leftOut: {}, unrepresentable: {}, bad: {}, noted: {}, places: {} }
}

/** Of `noted`: not a count, but the largest of all. */
export const LARGEST_STEP = 'largest step back, microseconds'

/** Adds counts to others. */
export function addCounts(sum: ImportCounts, more: ImportCounts): void {
  sum.rows += more.rows
  sum.written += more.written
  sum.merged += more.merged
  for (const kind of ['leftOut', 'unrepresentable', 'bad', 'noted'] as const) {
    for (const [name, count] of Object.entries(more[kind])) {
      const before = sum[kind][name] ?? 0
      sum[kind][name] = name === LARGEST_STEP ? Math.max(before, count) : before + count
    }
  }
  for (const [name, place] of Object.entries(more.places)) sum.places[name] ??= place
}

/** Counts what becomes of rows, as they are read. */
export class ImportTally {
  readonly counts = emptyCounts()
  /** Damage is left out and counted. */
  readonly isSkipping: boolean

  /** @param onError `abort`: the first bad row ends the import */
  constructor(onError: 'abort' | 'skip') {
    this.isSkipping = onError === 'skip'
  }

  /** `rows` rows made one message. */
  wrote(rows = 1): void {
    const { counts } = this
    counts.rows += rows
    counts.written++
    counts.merged += rows - 1
  }

  /** Of the rows of one message `written` are in it; no message can hold the others together with those before them. */
  wroteSome(written: number, rows: number): void {
    this.wrote(written)
    if (written < rows) this.refuse('out-of-range', rows - written)
  }

  /** A rule leaves rows out, e.g. `imbalance`. */
  leave(reason: string, rows = 1): void {
    this.#count('leftOut', reason, rows)
  }

  /** No message of ours can hold rows, e.g. `negative-price`. */
  refuse(reason: string, rows = 1): void {
    this.#count('unrepresentable', reason, rows)
  }

  /** A row is damaged. @throws ReplayError corrupt `import-<what>` unless damage is skipped */
  bad(what: string, message: string, place: ImportPlace, rows = 1): void {
    if (!this.isSkipping) throw rowError(what, message, place)
    this.counts.places[what] ??= place
    this.#count('bad', what, rows)
  }

  /** Something that is worth knowing, beside the fate of rows. */
  note(what: string, count = 1): void {
    const { noted } = this.counts
    noted[what] = (noted[what] ?? 0) + count
  }

  /** @throws ReplayError bug `import-tally` when rows were not settled once each */
  check(): void {
    const { rows, written, merged, leftOut, unrepresentable, bad } = this.counts
    const settled = [leftOut, unrepresentable, bad].flatMap((each) => Object.values(each)).reduce((sum, count) => sum + count, 0)
    if (rows === written + merged + settled) return
    const message = `${rows} rows were read, but ${written} written, ${merged} merged and ${settled} left out`
    throw new ReplayError('import-tally', message, { category: 'bug' })
  }

  #count(kind: 'leftOut' | 'unrepresentable' | 'bad', name: string, rows: number): void {
    const counts = this.counts[kind]
    counts[name] = (counts[name] ?? 0) + rows
    this.counts.rows += rows
  }
}

function rowError(what: string, message: string, { path, line, offset }: ImportPlace): ReplayError {
  const where = line !== undefined ? `line ${line}: ` : offset !== undefined ? `byte ${offset}: ` : ''
  return new ReplayError(`import-${what}`, `${where}${message}; --on-error skip leaves such rows out and counts them`, {
    category: 'corrupt',
    path,
    ...(offset !== undefined && { offset }),
  })
}
