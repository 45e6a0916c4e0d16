import { logName } from '../book/sequence/record-sessions.ts'
import { breaksContinuity, type SequenceFinding } from '../book/sequence/sequence-finding.ts'
import {
  SequencePolicy,
  type SequencePolicyOptions,
  type SequencePolicyState,
  VERDICT_QUARANTINED,
} from '../book/sequence/sequence-policy.ts'
import type { MessageCursor } from '../message/message.ts'
import { TYPE_BOOK_EVENT } from '../protocol/message-type.ts'
import { type EngineMessage, EVENT_LOST, MESSAGES_MISSING } from './engine-message.ts'

/**
 * Follows the sequences of a stream in order of arrival, and notes on the messages of one market what that means for features:
 * that messages are missing before one, and whether the book can be trusted behind it.
 */
export class GapWatch {
  readonly policy: SequencePolicy
  /** The book is not to be trusted, under `quarantine`. */
  isOpen = false
  /** Market looked at; −1 until its first book event. */
  market: number

  #found = false
  #foundInBookLog = false
  #isLost = false
  #bookPath = ''
  /** Name of the log with the market's book: known before its first event after a restart. */
  #bookLog: string | null = null

  /** @param market −1: that of the first book event, see `market` */
  constructor(options: SequencePolicyOptions, market: number) {
    this.market = market
    this.policy = new SequencePolicy({
      ...options,
      onFinding: (finding) => {
        options.onFinding?.(finding)
        this.#hear(finding)
      },
    })
  }

  /** Looks at a record of any type; its verdict. @throws ReplayError corrupt `sequence-gap` under `abort` */
  check(record: MessageCursor): number {
    return this.policy.check(record)
  }

  /** Sets `gap` and `gapOpen` of a book event or trade of the market, whose record was checked last. */
  note(message: EngineMessage): void {
    const isBook = message.type === TYPE_BOOK_EVENT
    if (isBook && message.path !== this.#bookPath) {
      this.#bookPath = message.path
      this.#bookLog = logName(message.path)
    }
    if (this.#found && this.policy.onGap === 'quarantine') {
      const isBookLogBroken = !isBook && (this.#foundInBookLog || this.isOpen)
      this.isOpen = isBookLogBroken || this.policy.isQuarantined(this.market)
    } else if (isBook && this.isOpen && message.verdict !== VERDICT_QUARANTINED) this.isOpen = false
    message.gap = this.#isLost ? EVENT_LOST : this.#found ? MESSAGES_MISSING : 0
    message.gapOpen = this.isOpen ? 1 : 0
  }

  /** Whether book events of the market were noted of this log. @param path of its directory */
  hasBookOf(path: string): boolean {
    return path === this.#bookPath
  }

  /** Something was found that no message of the market has told yet. */
  get hasNews(): boolean {
    return this.#found || this.#isLost
  }

  /** The message that was noted is on its way: what was found need not be told again. */
  told(): void {
    this.#found = false
    this.#foundInBookLog = false
    this.#isLost = false
  }

  /** A book event could not be read: the sequences do not show that it is missing, the next message has to. */
  lose(): void {
    this.#isLost = true
  }

  /** Goes on from a restart point. */
  restore(state: SequencePolicyState): void {
    this.policy.restore(state)
    const ours = state.markets.filter(({ marketId }) => this.market < 0 || marketId === this.market)
    this.isOpen = ours.some(({ quarantined }) => quarantined !== 0)
    this.#bookLog = ours[0]?.log ?? null
  }

  #hear({ marketId, place, ...finding }: SequenceFinding): void {
    if (!breaksContinuity({ marketId, place, ...finding })) return
    if (marketId !== null && this.market >= 0 && marketId !== this.market) return
    this.#found = true
    // The policy tells of the book's market only at its next event.
    if (marketId === null && logName(place.path ?? '') === this.#bookLog) this.#foundInBookLog = true
  }
}
