import { describePlace, type ErrorPlace } from '../errors.ts'
import { OutputFile } from '../store/output-file.ts'

/** A message that was left out, and why. A ReadIssue of a source is one, too. */
export interface DeadLetter extends ErrorPlace {
  /** Reason: stable and kebab-case, e.g. `record-crc`. */
  readonly code: string
  /** Reason in words. */
  readonly message: string
  /** Message type (u16), where it is known. */
  readonly type?: number
}

export interface DeadLetterOptions {
  /** File to create (or overwrite). It exists from the start: an empty one says that nothing was left out. */
  readonly path: string
  /** Letters written; those beyond are only counted. @default 100,000 */
  readonly limit?: number
}

/**
 * Keeps what a replay left out under `skip`: one JSON object per line,
 * `{"path", "segment", "offset", "seq", "type", "code", "message"}`, of which the first five only where known.
 * `seq` is a decimal string, `type` hexadecimal such as "0x1002", `segment` and `offset` are numbers.
 */
export class DeadLetterLog {
  readonly path: string
  /** Letters taken. */
  count = 0
  /** Letters written to the file: at most the limit. */
  written = 0
  readonly #limit: number
  readonly #file: OutputFile

  /** @throws ReplayError `output-failed`, `disk-full`. */
  constructor(options: DeadLetterOptions) {
    this.path = options.path
    this.#limit = options.limit ?? 100_000
    this.#file = new OutputFile({ path: options.path })
  }

  /** Takes one letter. It is in the file when this returns: letters are rare, and matter most when things go wrong next. */
  add(letter: DeadLetter): void {
    this.count++
    if (this.written >= this.#limit) return
    this.#file.write(encoder.encode(`${JSON.stringify(lineOf(letter))}\n`))
    this.written++
  }

  /** Finishes the file. */
  async close(): Promise<void> {
    this.#file.close()
  }
}

function lineOf(letter: DeadLetter): Record<string, string | number | undefined> {
  const { path, segment, offset, seq, type, code } = letter
  // A ReplayError's message ends with its place, which has its own fields here.
  const place = describePlace({
    ...(path !== undefined && { path }),
    ...(segment !== undefined && { segment }),
    ...(offset !== undefined && { offset }),
    ...(seq !== undefined && { seq }),
  })
  const message = place !== '' && letter.message.endsWith(place) ? letter.message.slice(0, -place.length) : letter.message
  return {
    path,
    segment,
    offset,
    seq: seq?.toString(),
    type: type === undefined ? undefined : `0x${type.toString(16).padStart(4, '0')}`,
    code,
    message,
  }
}

const encoder = new TextEncoder()
