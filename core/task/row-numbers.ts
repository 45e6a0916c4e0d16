import type { EngineMoment } from '../features/columns/column.ts'

/** Numbers the rows of one message from 0, which tells them apart. */
export class RowNumbers {
  /** What the engine is handling. */
  moment: EngineMoment | null = null
  #momentNumber = -1
  #next = 0

  /** The number of the next row. */
  next(isBar: boolean): number {
    const number = this.moment?.number ?? 0
    if (number !== this.#momentNumber) {
      this.#momentNumber = number
      this.#next = 0
    }
    // A bar is no row of its last message.
    return isBar ? 0 : this.#next++
  }
}
