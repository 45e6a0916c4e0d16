import { Worker, type WorkerOptions } from 'node:worker_threads'

export interface ThreadAnswer<Reply> {
  readonly reply: Reply | { readonly failure: ThreadFailure }
  /** There is no thread any more: what is asked next needs a new one. */
  readonly hasEnded: boolean
}

/** The end of a thread that owed an answer: `worker-failed` by an error that nothing caught, `worker-died` by anything else. */
export interface ThreadFailure {
  readonly code: 'worker-failed' | 'worker-died'
  readonly category: 'bug'
  readonly message: string
}

/** A worker thread that answers every message asked with one message, or ends. One question at a time. */
export class AnsweringThread<Question, Reply> {
  readonly #worker: Worker
  #crash: string | null = null
  #exitCode: number | null = null
  #settle: ((answer: ThreadAnswer<Reply>) => void) | null = null

  constructor(file: URL, options: WorkerOptions) {
    this.#worker = new Worker(file, options)
    // For as long as the thread lives, not per question: an 'error' that comes while nobody listens ends the whole process.
    this.#worker.on('message', (reply: Reply) => this.#answer({ reply, hasEnded: false }))
    this.#worker.on('error', (error: unknown) => {
      this.#crash = error instanceof Error ? (error.stack ?? error.message) : String(error) // 'exit' follows
    })
    this.#worker.on('exit', (exitCode) => {
      this.#exitCode = exitCode
      this.#answer(this.#endedWith(exitCode))
    })
  }

  /**
   * Sends a question and waits for the answer, or for the thread's end. An end that came after the answer before is told now;
   * one that comes after the last answer is told by nobody.
   * @throws DOMException `DataCloneError` when the question cannot be sent to a thread
   */
  async ask(question: Question): Promise<ThreadAnswer<Reply>> {
    if (this.#exitCode !== null) return this.#endedWith(this.#exitCode)
    this.#worker.postMessage(question)
    return new Promise((resolve) => {
      this.#settle = resolve
    })
  }

  /** Sends a message that has no answer. */
  tell(message: Question): void {
    this.#worker.postMessage(message)
  }

  /** Stops the thread where it is; resolves when it has ended. */
  async terminate(): Promise<void> {
    await this.#worker.terminate()
  }

  #answer(answer: ThreadAnswer<Reply>): void {
    this.#settle?.(answer)
    this.#settle = null
  }

  #endedWith(exitCode: number): ThreadAnswer<Reply> {
    const code = this.#crash === null ? 'worker-died' : 'worker-failed'
    const message = this.#crash ?? `the worker thread ended with exit code ${exitCode} and no answer`
    return { reply: { failure: { code, category: 'bug', message } }, hasEnded: true }
  }
}
