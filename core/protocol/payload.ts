import { ReplayError } from '../errors.ts'
import { requireDouble, requireU64, requireUint } from '../field-range.ts'
import type { MessageCursor } from '../message/message.ts'

/**
 * What all payload flyweights share: length checks, exact u64 access and errors that know their message.
 * Payloads are little-endian and have no alignment (L2 snapshot levels start at byte 76).
 */

/** @throws ReplayError corrupt `payload-truncated` when fewer than `needed` bytes are there. Trailing bytes are legal. */
export function requirePayload(record: string, needed: number, length: number): void {
  if (length < needed) {
    throw new ReplayError('payload-truncated', `${record} payload: expected at least ${needed} bytes, found ${length}`, {
      category: 'corrupt',
    })
  }
}

/** @throws ReplayError bug `message-type` when a message is wrapped as what it is not. */
export function requireType(record: string, expected: number, message: MessageCursor): void {
  if (message.typeId !== expected) {
    const found = `0x${message.typeId.toString(16)}`
    throw new ReplayError(
      'message-type',
      `${record}: expected type 0x${expected.toString(16)}, found ${found}; look at message.typeId first`,
      {
        category: 'bug',
        ...placeOf(message),
      },
    )
  }
}

/** The same error, with the place of the message it happened at. */
export function locateError(error: unknown, message: MessageCursor): unknown {
  if (!(error instanceof ReplayError) || error.place.offset !== undefined) return error
  return new ReplayError(error.code, error.message, { category: error.category, cause: error, ...placeOf(message) })
}

/**
 * A u64 as a number: exact, no BigInt.
 * @throws ReplayError input `number-range` at 2^53 and above; read the two words instead.
 */
export function u64ToNumber(view: DataView, offset: number, field: string): number {
  const high = view.getUint32(offset + 4, true)
  if (high > 0x1f_ffff) throw numberRange(view.getBigUint64(offset, true), field)
  return high * 0x1_0000_0000 + view.getUint32(offset, true)
}

/**
 * Writes a u64 given as a bigint or as a number that is a whole number below 2^53.
 * @param field its name for the error @param hint what to do where it cannot hold what is meant
 * @throws ReplayError input `number-range`
 */
export function setU64(view: DataView, offset: number, value: bigint | number, field = 'u64', hint = ''): void {
  requireU64(field, value, hint)
  if (typeof value === 'bigint') {
    view.setBigUint64(offset, value, true)
    return
  }
  view.setUint32(offset, value >>> 0, true)
  view.setUint32(offset + 4, Math.floor(value / 0x1_0000_0000), true)
}

/** Writes a u8. @throws ReplayError input `number-range` */
export function setU8(view: DataView, offset: number, value: number, field: string): void {
  requireUint(field, value, 8)
  view.setUint8(offset, value)
}

/** Writes a u16. @throws ReplayError input `number-range` */
export function setU16(view: DataView, offset: number, value: number, field: string): void {
  requireUint(field, value, 16)
  view.setUint16(offset, value, true)
}

/** Writes a u32. @throws ReplayError input `number-range` */
export function setU32(view: DataView, offset: number, value: number, field: string): void {
  requireUint(field, value, 32)
  view.setUint32(offset, value, true)
}

/** Writes an f64; NaN and infinities are ones. @throws ReplayError input `number-range` for what is no number */
export function setF64(view: DataView, offset: number, value: number, field: string): void {
  requireDouble(field, value)
  view.setFloat64(offset, value, true)
}

function numberRange(value: bigint | number, field: string): ReplayError {
  const message = `${field}: expected a whole number from 0 to 2^53 - 1, found ${value}; use bigint or the low and high words`
  return new ReplayError('number-range', message, { category: 'input' })
}

function placeOf(message: MessageCursor): { segment?: number; offset?: number; path?: string; seq: bigint } {
  const { path } = message.batch.originAt(message.index)
  const known = message.segment >= 0 ? { segment: message.segment, offset: message.segmentOffset } : {}
  return { ...known, ...(path === '' ? {} : { path }), seq: message.seq }
}
