/** Numbers of the messages of a session, from 1 on, where packets say them: what comes twice, and what does not come. */
export class MessageSequence {
  #session = ''
  /** Of the next message; 0: nothing says it. */
  #next = 0
  /** The lowest that did not come yet. */
  #expected = 1

  /** The next message of a session has this number. @returns how many before it did not come */
  goOn(session: string, number: number): number {
    if (session !== this.#session) {
      this.#session = session
      this.#expected = 1
    }
    const missing = Math.max(0, number - this.#expected)
    this.#expected += missing
    this.#next = number
    return missing
  }

  /** Counts a message on; false: it came before. */
  isNew(): boolean {
    if (this.#next === 0) return true
    if (this.#next++ < this.#expected) return false
    this.#expected = this.#next
    return true
  }
}
