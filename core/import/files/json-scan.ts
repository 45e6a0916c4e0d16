/**
 * JSON as it stands in files, read without making objects: places of bytes. What is scanned is checked to be JSON on the way; only what
 * stands behind a backslash, and in lists of lists, is left to whoever takes it, as `JsonLevels` does.
 */

/** The members of an object or the elements of an array; used again for each. */
export class JsonMembers {
  /** What was scanned last. */
  bytes: Uint8Array = new Uint8Array(0)
  count = 0
  /** Value i is `bytes[starts[i] … ends[i])`; of a text without its quotes. */
  starts = new Int32Array(32)
  ends = new Int32Array(32)
  /** The first byte of each value: `JSON_TEXT`, `JSON_OBJECT`, `JSON_ARRAY`, `t`, `f`, `n`, or one of a number. */
  kinds = new Uint8Array(32)
  #keyStarts = new Int32Array(32)
  #keyEnds = new Int32Array(32)

  /**
   * Whether the bytes are one object, whose keys differ.
   * @param last its value is not looked at, and taken to reach to the end of the object: whoever takes it scans it, and if it is not whole,
   * the object is to be scanned again without
   */
  scanObject(bytes: Uint8Array, start: number, end: number, last: JsonKey | null = null): boolean {
    this.bytes = bytes
    this.count = 0
    let at = pastSpace(bytes, start, end)
    if (at >= end || bytes[at] !== JSON_OBJECT) return false
    at = pastSpace(bytes, at + 1, end)
    if (at < end && bytes[at] === OBJECT_END) return pastSpace(bytes, at + 1, end) === end
    // One bit per letter: keys of one letter are what messages are made of.
    let lowLetters = 0
    let highLetters = 0
    let otherKeys = 0
    for (;;) {
      if (at >= end || bytes[at] !== JSON_TEXT) return false
      const key = at + 1
      at = pastText(bytes, key, end)
      if (at < 0) return false
      const keyEnd = at - 1
      const letter = bytes[key]!
      if (keyEnd - key === 1 && letter >= 64) {
        const bit = 1 << (letter & 31)
        if (letter < 96) {
          if ((lowLetters & bit) !== 0) return false
          lowLetters |= bit
        } else {
          if ((highLetters & bit) !== 0) return false
          highLetters |= bit
        }
      } else otherKeys++
      at = pastSpace(bytes, at, end)
      if (at >= end || bytes[at] !== COLON) return false
      at = pastSpace(bytes, at + 1, end)
      if (last !== null && sameBytes(bytes, key, keyEnd, last.bytes)) {
        if (end - at < 3 || bytes[end - 1] !== OBJECT_END) return false
        this.#put(bytes[at]!, at, end - 1, key, keyEnd)
        return true
      }
      at = this.#value(bytes, at, end, key, keyEnd)
      if (at < 0 || at >= end) return false
      const byte = bytes[at]
      if (byte === OBJECT_END) return pastSpace(bytes, at + 1, end) === end && (otherKeys < 2 || !this.#hasTwice())
      if (byte !== COMMA) return false
      at = pastSpace(bytes, at + 1, end)
    }
  }

  /** Whether the bytes are one array. */
  scanArray(bytes: Uint8Array, start: number, end: number): boolean {
    this.bytes = bytes
    this.count = 0
    let at = pastSpace(bytes, start, end)
    if (at >= end || bytes[at] !== JSON_ARRAY) return false
    at = pastSpace(bytes, at + 1, end)
    if (at < end && bytes[at] === ARRAY_END) return pastSpace(bytes, at + 1, end) === end
    for (;;) {
      at = this.#value(bytes, at, end, 0, 0)
      if (at < 0 || at >= end) return false
      const byte = bytes[at]
      if (byte === ARRAY_END) return pastSpace(bytes, at + 1, end) === end
      if (byte !== COMMA) return false
      at = pastSpace(bytes, at + 1, end)
    }
  }

  /** As `scanObject`, of a value of others. */
  scanObjectIn(members: JsonMembers, index: number): boolean {
    return this.scanObject(members.bytes, members.starts[index]!, members.ends[index]!)
  }

  /** As `scanArray`, of a value of others. */
  scanArrayIn(members: JsonMembers, index: number): boolean {
    return this.scanArray(members.bytes, members.starts[index]!, members.ends[index]!)
  }

  /** The member of a key; −1: there is none. */
  find(key: JsonKey): number {
    // Messages of one kind have their keys in one order.
    if (key.last < this.count && this.#isAt(key.last, key.bytes)) return key.last
    for (let i = 0; i < this.count; i++) {
      if (!this.#isAt(i, key.bytes)) continue
      key.last = i
      return i
    }
    return -1
  }

  /** The member of a key if it begins with this byte, see `kinds`; else −1. */
  findKind(key: JsonKey, kind: number): number {
    const index = this.find(key)
    return index >= 0 && this.kinds[index] === kind ? index : -1
  }

  /** A text, or another value as it stands. */
  text(index: number): string {
    return jsonText(this.bytes, this.starts[index]!, this.ends[index]!)
  }

  /** Whether a value has these bytes. */
  is(index: number, text: Uint8Array): boolean {
    return sameBytes(this.bytes, this.starts[index]!, this.ends[index]!, text)
  }

  /** Whether a value has the bytes of a value of others. */
  isSame(index: number, others: JsonMembers, other: number): boolean {
    const start = this.starts[index]!
    const from = others.starts[other]!
    const length = this.ends[index]! - start
    if (others.ends[other]! - from !== length) return false
    for (let i = 0; i < length; i++) if (this.bytes[start + i] !== others.bytes[from + i]) return false
    return true
  }

  #value(bytes: Uint8Array, start: number, end: number, key: number, keyEnd: number): number {
    const at = pastValue(bytes, start, end, MAX_DEPTH)
    if (at < 0) return -1
    const kind = bytes[start]!
    const quote = kind === JSON_TEXT ? 1 : 0
    this.#put(kind, start + quote, at - quote, key, keyEnd)
    return pastSpace(bytes, at, end)
  }

  #put(kind: number, start: number, end: number, key: number, keyEnd: number): void {
    const index = this.count++
    if (index === this.starts.length) this.#grow()
    this.starts[index] = start
    this.ends[index] = end
    this.kinds[index] = kind
    this.#keyStarts[index] = key
    this.#keyEnds[index] = keyEnd
  }

  #isAt(index: number, key: Uint8Array): boolean {
    return sameBytes(this.bytes, this.#keyStarts[index]!, this.#keyEnds[index]!, key)
  }

  /** Whether a key that is not one letter is there twice. */
  #hasTwice(): boolean {
    for (let i = 1; i < this.count; i++) {
      const start = this.#keyStarts[i]!
      const length = this.#keyEnds[i]! - start
      for (let k = 0; k < i; k++) {
        const other = this.#keyStarts[k]!
        if (this.#keyEnds[k]! - other !== length) continue
        let same = 0
        while (same < length && this.bytes[start + same] === this.bytes[other + same]) same++
        if (same === length) return true
      }
    }
    return false
  }

  #grow(): void {
    this.starts = longer(this.starts)
    this.ends = longer(this.ends)
    this.#keyStarts = longer(this.#keyStarts)
    this.#keyEnds = longer(this.#keyEnds)
    const kinds = new Uint8Array(2 * this.kinds.length)
    kinds.set(this.kinds)
    this.kinds = kinds
  }
}

/** A key to find members by. */
export class JsonKey {
  readonly bytes: Uint8Array
  /** Where it was last. */
  last = 0

  constructor(name: string) {
    this.bytes = ENCODER.encode(name)
  }
}

/**
 * The levels of an array such as `[["61800.20","2.5"],["61800.10","0.7"]]`: of each the places of its first three fields, texts or numbers.
 * The array is JSON: it was a member.
 */
export class JsonLevels {
  bytes: Uint8Array = new Uint8Array(0)
  readonly starts = new Int32Array(3)
  readonly ends = new Int32Array(3)
  /** Fields of the level. */
  fields = 0
  /** The array holds something that is no level. */
  isBroken = false
  #at = 0
  #end = 0

  /** An array with its brackets. */
  begin(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes
    this.isBroken = bytes[start] !== JSON_ARRAY
    this.#at = pastSpace(bytes, start + 1, end)
    this.#end = end
  }

  /** Moves to the next level; false: there is none, or it `isBroken`. */
  next(): boolean {
    const { bytes, starts, ends } = this
    const end = this.#end
    let at = this.#at
    if (this.isBroken || at >= end || bytes[at] === ARRAY_END) return false
    if (bytes[at] !== JSON_ARRAY) return this.#break()
    let fields = 0
    do {
      at = pastSpace(bytes, at + 1, end)
      let start = at
      if (bytes[at] === JSON_TEXT) {
        start = ++at
        while (at < end && bytes[at] !== JSON_TEXT) at++
        if (fields < 3) {
          starts[fields] = start
          ends[fields] = at
        }
        at++
      } else {
        while (at < end && isNumberByte(bytes[at]!)) at++
        if (at === start) return this.#break()
        if (fields < 3) {
          starts[fields] = start
          ends[fields] = at
        }
      }
      fields++
      at = pastSpace(bytes, at, end)
    } while (at < end && bytes[at] === COMMA)
    if (at >= end || bytes[at] !== ARRAY_END || fields < 2) return this.#break()
    this.fields = fields
    at = pastSpace(bytes, at + 1, end)
    if (bytes[at] === COMMA) at = pastSpace(bytes, at + 1, end)
    this.#at = at
    return true
  }

  #break(): boolean {
    this.isBroken = true
    return false
  }
}

/** What a text of JSON says; the bytes are those between its quotes. */
export function jsonText(bytes: Uint8Array, start: number, end: number): string {
  const text = UTF8.decode(bytes.subarray(start, end))
  if (!text.includes('\\')) return text
  try {
    return JSON.parse(`"${text}"`) as string
  } catch {
    return text
  }
}

/** Whether `bytes[start … end)` are these. */
export function sameBytes(bytes: Uint8Array, start: number, end: number, others: Uint8Array): boolean {
  const length = end - start
  if (length !== others.length) return false
  for (let i = 0; i < length; i++) if (bytes[start + i] !== others[i]) return false
  return true
}

/** Behind a value; −1: it is none, or does not end. */
function pastValue(bytes: Uint8Array, start: number, end: number, depth: number): number {
  if (start >= end || depth === 0) return -1
  const first = bytes[start]!
  if (first === JSON_TEXT) return pastText(bytes, start + 1, end)
  if (first === JSON_ARRAY)
    return bytes[start + 1] === JSON_ARRAY ? pastLevels(bytes, start, end, depth) : pastArray(bytes, start, end, depth - 1)
  if (first === JSON_OBJECT) return pastObject(bytes, start, end, depth - 1)
  if (first === 116) return pastWord(bytes, start, end, TRUE)
  if (first === 102) return pastWord(bytes, start, end, FALSE)
  if (first === 110) return pastWord(bytes, start, end, NULL)
  return pastNumber(bytes, start, end)
}

function pastNumber(bytes: Uint8Array, start: number, end: number): number {
  const whole = bytes[start] === MINUS ? start + 1 : start
  let at = pastDigits(bytes, whole, end)
  if (at === whole || (at > whole + 1 && bytes[whole] === ZERO)) return -1
  if (at < end && bytes[at] === POINT) {
    const fraction = at + 1
    at = pastDigits(bytes, fraction, end)
    if (at === fraction) return -1
  }
  if (at < end && (bytes[at]! | 32) === LETTER_E) {
    const sign = bytes[at + 1]
    const exponent = sign === MINUS || sign === PLUS ? at + 2 : at + 1
    at = pastDigits(bytes, exponent, end)
    if (at <= exponent) return -1
  }
  return at
}

function pastDigits(bytes: Uint8Array, start: number, end: number): number {
  let at = start
  while (at < end && bytes[at]! >= ZERO && bytes[at]! <= 57) at++
  return at
}

/** As `pastArray`, of pairs and such of short texts and numbers: what is most of all. Anything else is left to that. */
function pastLevels(bytes: Uint8Array, start: number, end: number, depth: number): number {
  let at = start + 2
  for (; at < end; at++) {
    const byte = bytes[at]!
    if (byte === ARRAY_END) {
      if (at + 1 >= end) return -1
      const next = bytes[at + 1]
      if (next === ARRAY_END) return at + 2
      if (next !== COMMA || bytes[at + 2] !== JSON_ARRAY) break
      at += 2
    } else if (byte === JSON_ARRAY || byte === JSON_OBJECT || byte === BACKSLASH || byte <= SPACE) break
  }
  return pastArray(bytes, start, end, depth - 1)
}

function pastArray(bytes: Uint8Array, start: number, end: number, depth: number): number {
  let at = pastSpace(bytes, start + 1, end)
  if (at < end && bytes[at] === ARRAY_END) return at + 1
  for (;;) {
    at = pastValue(bytes, at, end, depth)
    if (at < 0) return -1
    at = pastSpace(bytes, at, end)
    if (at >= end) return -1
    const byte = bytes[at]
    if (byte === ARRAY_END) return at + 1
    if (byte !== COMMA) return -1
    at = pastSpace(bytes, at + 1, end)
  }
}

function pastObject(bytes: Uint8Array, start: number, end: number, depth: number): number {
  let at = pastSpace(bytes, start + 1, end)
  if (at < end && bytes[at] === OBJECT_END) return at + 1
  for (;;) {
    if (at >= end || bytes[at] !== JSON_TEXT) return -1
    at = pastText(bytes, at + 1, end)
    if (at < 0) return -1
    at = pastSpace(bytes, at, end)
    if (at >= end || bytes[at] !== COLON) return -1
    at = pastValue(bytes, pastSpace(bytes, at + 1, end), end, depth)
    if (at < 0) return -1
    at = pastSpace(bytes, at, end)
    if (at >= end) return -1
    const byte = bytes[at]
    if (byte === OBJECT_END) return at + 1
    if (byte !== COMMA) return -1
    at = pastSpace(bytes, at + 1, end)
  }
}

/** Behind the quote that ends a text whose first one is before `start`. */
function pastText(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!
    if (byte === JSON_TEXT) return at + 1
    if (byte < SPACE) return -1
    if (byte === BACKSLASH) at++
  }
  return -1
}

function pastWord(bytes: Uint8Array, start: number, end: number, word: Uint8Array): number {
  const stop = start + word.length
  return stop <= end && sameBytes(bytes, start, stop, word) ? stop : -1
}

function pastSpace(bytes: Uint8Array, start: number, end: number): number {
  let at = start
  while (at < end && bytes[at]! <= SPACE && isSpace(bytes[at]!)) at++
  return at
}

function isSpace(byte: number): boolean {
  return byte === SPACE || byte === 10 || byte === 13 || byte === 9
}

/** Digits, point, signs, exponent. */
function isNumberByte(byte: number): boolean {
  return (byte >= ZERO && byte <= 57) || byte === POINT || byte === MINUS || byte === PLUS || (byte | 32) === LETTER_E
}

function longer(words: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const more = new Int32Array(2 * words.length)
  more.set(words)
  return more
}

/** First bytes of values. */
export const JSON_TEXT = 34
export const JSON_OBJECT = 123
export const JSON_ARRAY = 91
export const JSON_TRUE = 116
export const JSON_FALSE = 102

const MAX_DEPTH = 32
const OBJECT_END = 125
const ARRAY_END = 93
const COMMA = 44
const COLON = 58
const SPACE = 32
const BACKSLASH = 92
const ZERO = 48
const POINT = 46
const MINUS = 45
const PLUS = 43
const LETTER_E = 101
const ENCODER = new TextEncoder()
const UTF8 = new TextDecoder()
const TRUE = ENCODER.encode('true')
const FALSE = ENCODER.encode('false')
const NULL = ENCODER.encode('null')
