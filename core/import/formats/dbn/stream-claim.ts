import { Instant } from '../../messages/instant.ts'

/**
 * Whose messages a stream has. Trades stand in files of several schemas, and a file may be given twice: what another one gave is not
 * written again. A further part of the same schema goes on where the one before ended.
 */
export class StreamClaim {
  readonly #last = new Instant()
  #file = -1
  #source = -1
  #refused = -1

  /** @param file number of the file in its unit @param source schema, or kind of record where a file has several @returns false: it is another's */
  takes(file: number, source: number, received: Instant): boolean {
    if ((file !== this.#file || source !== this.#source) && !this.#takesOver(file, source, received)) return false
    this.#last.copy(received)
    return true
  }

  #takesOver(file: number, source: number, received: Instant): boolean {
    if (this.#file >= 0) {
      if (source !== this.#source || file === this.#refused) return false
      if (received.isBefore(this.#last)) {
        this.#refused = file
        return false
      }
    }
    this.#file = file
    this.#source = source
    return true
  }
}
