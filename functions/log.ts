import { writeSync } from 'node:fs'

/** What every line says, so that a line alone tells what it is about. */
export interface LogPlace {
  readonly run: string
  /** Null: of the whole run. */
  readonly task: string | null
  readonly attempt: string
}

/** Writes JSON lines to stdout, which Batch hands to CloudWatch. */
export class Log {
  readonly place: LogPlace
  readonly #clock: () => number

  constructor(place: LogPlace, clock: () => number) {
    this.place = place
    this.#clock = clock
  }

  /** @param event kebab-case; @param fields more of it, also `partition` where it is about one */
  info(event: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.#write('info', event, fields)
  }

  error(event: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.#write('error', event, fields)
  }

  /**
   * Metrics of the job as a line in CloudWatch's embedded metric format: they need no call to CloudWatch, and the line can be
   * searched like any other.
   */
  metrics(job: string, metrics: Readonly<Record<string, Metric>>): void {
    const definitions = Object.entries(metrics).map(([Name, { unit: Unit }]) => ({ Name, Unit }))
    const values = Object.fromEntries(Object.entries(metrics).map(([name, { value }]) => [name, value]))
    const directive = { Namespace: NAMESPACE, Dimensions: [['Job']], Metrics: definitions }
    this.#write('info', 'metrics', { _aws: { Timestamp: this.#clock(), CloudWatchMetrics: [directive] }, Job: job, ...values })
  }

  #write(level: string, event: string, fields: Readonly<Record<string, unknown>>): void {
    const { run, task, attempt } = this.place
    const time = new Date(this.#clock()).toISOString()
    const line = Buffer.from(`${JSON.stringify({ time, level, event, run, task, partition: null, attempt, ...fields })}\n`)
    // At once: the process may end behind it.
    for (let done = 0; done < line.length; ) done += writeSome(line.subarray(done))
  }
}

export interface Metric {
  readonly value: number
  readonly unit: 'Count' | 'Bytes' | 'Seconds' | 'None'
}

export const NAMESPACE = 'ChronicleReplay'

function writeSome(bytes: Uint8Array): number {
  try {
    return writeSync(1, bytes)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EPIPE') return bytes.length // nobody listens
    if (code !== 'EAGAIN') throw error
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
    return 0
  }
}
