import { isMessage } from './layout.ts'
import { MessageSequence } from './message-sequence.ts'

/** Hears of messages, as framings find them. */
export interface MessageTaker {
  /** False: it is damaged in a way that makes one doubt whether a message begins here. */
  take(bytes: Uint8Array, at: number, length: number): boolean
  /** One that came before. */
  repeated(): void
  /** So many did not come. */
  missing(messages: number): void
}

/** Bytes of which a framing takes what is whole; `Blocks` are such. */
export interface FramedBytes {
  readonly bytes: Uint8Array
  start: number
  readonly end: number
}

/** What became of bytes: all that is whole was taken; the framing says that nothing follows; no frame can be found any more. */
export type Taken = 'all' | 'end' | 'lost'

/** How messages lie in a file. One for each file, as it counts. */
export interface Framing {
  readonly name: 'plain' | 'SoupBinTCP' | 'MoldUDP64'
  take(framed: FramedBytes, taker: MessageTaker): Taken
  /** More has to follow, even where no bytes are left. */
  readonly isInside: boolean
}

/** The framing of a file by its first bytes, with which the most messages are found; null: it has no messages of ITCH 5.0. */
export function framingOf(head: Uint8Array, isWhole: boolean): Framing | null {
  let best: Framing | null = null
  let most = 0
  for (const make of [() => new PlainFraming(), () => new SoupFraming(), () => new MoldFraming()]) {
    const trial = new Trial()
    const taken = make().take({ bytes: head, start: 0, end: head.length }, trial)
    // One message may be chance, but not where it is all there is.
    const isIt = trial.found >= MIN_MESSAGES || (isWhole && trial.found > 0 && trial.others === 0 && taken !== 'lost')
    if (!isIt || trial.others > trial.found || trial.found <= most) continue
    most = trial.found
    best = make()
  }
  return best
}

const MIN_MESSAGES = 3
/** So many damaged messages in a row are none: frames are lost. */
const LOST_AFTER = 2

/** Counts messages, and is told nothing else. */
class Trial implements MessageTaker {
  found = 0
  others = 0

  take(bytes: Uint8Array, at: number, length: number): boolean {
    const isIt = isMessage(bytes, at, length)
    if (isIt) this.found++
    else this.others++
    return isIt
  }

  repeated(): void {
    this.found++
  }

  missing(): void {
    // Captures begin anywhere.
  }
}

/** Files of a day: u16 length, message; a length of 0 ends them. */
class PlainFraming implements Framing {
  readonly name = 'plain'
  readonly isInside = false
  #damaged = 0

  take(framed: FramedBytes, taker: MessageTaker): Taken {
    const { bytes, end } = framed
    let at = framed.start
    while (at + 2 <= end) {
      const length = (bytes[at]! << 8) | bytes[at + 1]!
      const next = at + 2 + length
      if (next > end) break
      framed.start = next
      if (length === 0) return 'end'
      if (taker.take(bytes, at + 2, length)) this.#damaged = 0
      else if (++this.#damaged === LOST_AFTER) return 'lost'
      at = next
    }
    return 'all'
  }
}

/**
 * SoupBinTCP: u16 length of what follows, u8 type, and in packets of data (S, U) a message. A (login accepted) says in 20 digits behind
 * the session's 10 letters which number the next S has.
 */
class SoupFraming implements Framing {
  readonly name = 'SoupBinTCP'
  readonly isInside = false
  readonly #sequence = new MessageSequence()
  #damaged = 0

  take(framed: FramedBytes, taker: MessageTaker): Taken {
    const { bytes, end } = framed
    let at = framed.start
    while (at + 2 <= end) {
      const length = (bytes[at]! << 8) | bytes[at + 1]!
      const next = at + 2 + length
      if (next > end) break
      const type = bytes[at + 2]!
      if (length === 0 || !SOUP_TYPES.includes(type)) return 'lost'
      framed.start = next
      if (type === SEQUENCED && !this.#sequence.isNew()) taker.repeated()
      else if (type === SEQUENCED || type === UNSEQUENCED) {
        if (taker.take(bytes, at + 3, length - 1)) this.#damaged = 0
        else if (++this.#damaged === LOST_AFTER) return 'lost'
      } else if (type === ACCEPTED) {
        const number = Number(LATIN.decode(bytes.subarray(at + 13, next)))
        if (length !== ACCEPTED_BYTES || !Number.isSafeInteger(number) || number < 0) return 'lost'
        // 0: the server chose.
        if (number > 0) taker.missing(this.#sequence.goOn(LATIN.decode(bytes.subarray(at + 3, at + 13)), number))
      }
      at = next
    }
    return 'all'
  }
}

/** MoldUDP64: packets of session[10], u64 number of the first message, u16 count (0 heartbeat, 0xFFFF end), and as many u16 length, message. */
class MoldFraming implements Framing {
  readonly name = 'MoldUDP64'
  readonly #sequence = new MessageSequence()
  /** Of the packet, messages that follow. */
  #left = 0
  #damaged = 0

  get isInside(): boolean {
    return this.#left > 0
  }

  take(framed: FramedBytes, taker: MessageTaker): Taken {
    const { bytes, end } = framed
    for (;;) {
      const at = framed.start
      if (this.#left === 0) {
        if (at + MOLD_HEADER_BYTES > end) return 'all'
        if (!this.#packet(bytes, at, taker)) return 'lost'
        framed.start = at + MOLD_HEADER_BYTES
        continue
      }
      if (at + 2 > end) return 'all'
      const length = (bytes[at]! << 8) | bytes[at + 1]!
      if (at + 2 + length > end) return 'all'
      framed.start = at + 2 + length
      this.#left--
      if (!this.#sequence.isNew()) taker.repeated()
      else if (taker.take(bytes, at + 2, length)) this.#damaged = 0
      else if (++this.#damaged === LOST_AFTER) return 'lost'
    }
  }

  /** False: no packet begins here. */
  #packet(bytes: Uint8Array, at: number, taker: MessageTaker): boolean {
    for (let i = at; i < at + 10; i++) if (bytes[i]! < 0x20 || bytes[i]! > 0x7e) return false
    const view = new DataView(bytes.buffer, bytes.byteOffset + at, MOLD_HEADER_BYTES)
    const [high, count] = [view.getUint32(10), view.getUint16(18)]
    if (high >= 2 ** 16) return false
    const number = high * 2 ** 32 + view.getUint32(14)
    taker.missing(this.#sequence.goOn(LATIN.decode(bytes.subarray(at, at + 10)), number))
    this.#left = count === 0xffff ? 0 : count
    return true
  }
}

const SEQUENCED = 0x53
const UNSEQUENCED = 0x55
const ACCEPTED = 0x41
const ACCEPTED_BYTES = 31
/** + debug, A accepted, J rejected, H and R heartbeats, Z end, L login, O logout, S and U data. */
const SOUP_TYPES = [...'+AJHRZLOSU'].map((type) => type.charCodeAt(0))
const MOLD_HEADER_BYTES = 20
const LATIN = new TextDecoder('latin1')
