/** A fault that the local Batch is asked for; see `batch-plugin/chronicle_local_batch/faults.py`. */
export interface Fault {
  /** Glob on the names of jobs. @default `*` */
  readonly jobs?: string
  /** Only this attempt, counted from 1. */
  readonly attempt?: number
  /** How many attempts or submits it meets. @default 1 */
  readonly times?: number
  readonly throttle?: true
  readonly unplaced?: true
  readonly delayMs?: number
  readonly kill?: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP'
  readonly afterMs?: number
  readonly afterOutput?: string
  readonly spot?: true
  /** Seconds that the attempt may take. */
  readonly timeout?: number
  readonly exitCode?: number
  readonly instead?: true
  readonly duplicate?: true
  readonly endpoint?: string
}

/** A job that is running. */
export interface RunningJob {
  readonly name: string
  readonly attempt: number
  readonly pids: readonly number[]
  readonly log: string
}

/** What tests ask of the local Batch beside AWS's operations. */
export class BatchControl {
  readonly #url: string

  constructor(endpoint: string) {
    this.#url = `${endpoint}/_chronicle`
  }

  async add(fault: Fault): Promise<void> {
    await this.#ask('faults', { method: 'POST', body: JSON.stringify(fault) })
  }

  /** Attempts that the faults have met, as `<job name>#<attempt>`. */
  async met(): Promise<string[]> {
    const faults = (await this.#ask('faults')) as Record<string, { met: string[] }>
    return Object.values(faults).flatMap((fault) => fault.met)
  }

  async clear(): Promise<void> {
    await this.#ask('faults', { method: 'DELETE' })
  }

  async running(): Promise<RunningJob[]> {
    return Object.values((await this.#ask('jobs')) as Record<string, RunningJob>)
  }

  async #ask(path: string, init: RequestInit = {}): Promise<unknown> {
    const answer = await fetch(`${this.#url}/${path}`, init)
    if (!answer.ok) throw new Error(`${init.method ?? 'GET'} ${this.#url}/${path}: ${answer.status} ${await answer.text()}`)
    return await answer.json()
  }
}
