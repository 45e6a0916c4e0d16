import type { ImportTally } from '../../messages/import-tally.ts'
import { Instant } from '../../messages/instant.ts'
import type { LevelProblem } from './book-levels.ts'

/** The line of a recording that is being read: when it was received, where it lies, and what becomes of it. */
export class RecordedRow {
  readonly received = new Instant()
  path = ''
  line = 0
  /** The file ends in it: its recorder may have been killed. */
  isCut = false
  readonly tally: ImportTally

  constructor(tally: ImportTally) {
    this.tally = tally
  }

  /** It is damaged. @throws ReplayError corrupt `import-<what>` unless damage is skipped */
  bad(what: string, message: string): void {
    if (this.isCut) this.tally.leave('line cut short')
    else this.tally.bad(what, message, { path: this.path, line: this.line })
  }

  /** Its JSON is damaged. */
  broken(): void {
    this.bad('json', 'expected a whole JSON message')
  }

  /** A member that it must have is not there, or is none of its kind. */
  lacks(members: string): void {
    this.bad('member', `expected ${members} in the message`)
  }

  /** Its levels are not what a book can hold. */
  refuseLevels(problem: LevelProblem): void {
    if (problem === 'levels') this.bad('levels', 'expected levels as [price, size]')
    else if (problem === 'number') this.bad('number', 'price or size of a level is no number, or the size is negative')
    else this.tally.refuse(problem)
  }

  /** What became of the message that it holds. */
  settle(isWritten: boolean): void {
    if (isWritten) this.tally.wrote()
    else this.tally.leave('not asked for')
  }

  /** As `settle`, of a row with several messages. */
  settleAll(messages: number, written: number): void {
    if (written > 0) this.tally.wrote()
    else this.tally.leave(messages === 0 ? 'nothing in it' : 'not asked for')
    if (written > 1) this.tally.note('further messages of a row', written - 1)
  }

  /** A checksum of the exchange was compared with the book. */
  checked(isRight: boolean): void {
    this.tally.note(isRight ? 'checksums ok' : 'checksums failed')
    if (!isRight) this.tally.counts.places.checksum ??= { path: this.path, line: this.line }
  }
}
