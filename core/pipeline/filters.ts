import { ReplayError } from '../errors.ts'
import { requireRange } from '../instant.ts'
import type { MessageBatch } from '../message/batch.ts'
import type { MessageCursor } from '../message/message.ts'
import { checkU64 } from '../message/source.ts'
import { notePlace } from './failure-place.ts'
import type { Filter } from './transform.ts'

/**
 * Passes messages with fromNs ≤ record time < toNs (nanoseconds since the epoch); null = unbounded.
 * @throws ReplayError input `not-u64`, `range-empty`
 */
export function timeRangeFilter(fromNs: bigint | null, toNs: bigint | null): Filter {
  checkU64(fromNs ?? 0n, 'start of the time range')
  checkU64(toNs ?? 0n, 'end of the time range')
  // A range of no length is one for programs: it passes nothing.
  if (fromNs !== toNs) requireRange(fromNs, toNs, ['the start of the time range', 'its end'])
  // 64-bit compares in 32-bit halves: no BigInt per message. Without an end, a high word beyond all others.
  const [fromLow, fromHigh] = [low(fromNs ?? 0n), high(fromNs ?? 0n)]
  const [toLow, toHigh] = toNs === null ? [0, 2 ** 32] : [low(toNs), high(toNs)]
  return {
    name: 'time range',
    select(batch) {
      const { timeWords, selection } = batch
      const space = batch.selectionSpace()
      const count = batch.length
      let kept = 0
      for (let k = 0; k < count; k++) {
        const row = selection === null ? k : selection[k]!
        const hi = timeWords[2 * row + 1]!
        const lo = timeWords[2 * row]!
        if ((hi > fromHigh || (hi === fromHigh && lo >= fromLow)) && (hi < toHigh || (hi === toHigh && lo < toLow))) space[kept++] = row
      }
      batch.select(kept)
    },
  }
}

/**
 * Passes messages of the given types (u16).
 * @throws ReplayError input `type-id`
 */
export function typeFilter(types: Iterable<number>): Filter {
  const wanted = new Uint8Array(65536)
  for (const type of types) {
    if (!Number.isInteger(type) || type < 0 || type >= wanted.length) {
      throw new ReplayError('type-id', `type: expected an integer in [0, 0xffff], got ${type}`, { category: 'input' })
    }
    wanted[type] = 1
  }
  return {
    name: 'type',
    select(batch) {
      const { types: column, selection } = batch
      const space = batch.selectionSpace()
      const count = batch.length
      let kept = 0
      for (let k = 0; k < count; k++) {
        const row = selection === null ? k : selection[k]!
        if (wanted[column[row]!] === 1) space[kept++] = row
      }
      batch.select(kept)
    },
  }
}

/** Passes messages of the given symbol codes; a message without a symbol does not pass. */
export function symbolFilter(symbols: Iterable<string>): Filter {
  const wanted = new Set<string | null>(symbols)
  return {
    name: 'symbol',
    select(batch) {
      const [only] = batch.buffers
      const isDecidedByPath = batch.buffers.length === 1 && only!.origin.resolveSymbol === null
      if (isDecidedByPath && wanted.has(only!.origin.symbol)) return
      batch.narrow((row) => !isDecidedByPath && wanted.has(batch.symbolAt(row)))
    },
  }
}

/** Passes messages for which `keep` returns true. */
export function messageFilter(keep: (message: MessageCursor) => boolean): Filter {
  return {
    name: 'filter',
    select(batch, leaveOut) {
      batch.narrow((row) => {
        try {
          return keep(batch.at(row))
        } catch (error) {
          if (leaveOut === undefined) {
            notePlace(error, batch.at(row))
            throw error
          }
          leaveOut(batch.at(row), error)
          return false
        }
      })
    },
  }
}

/**
 * Passes every `interval`-th message that reaches it: N, 2N, …
 * @throws ReplayError input `sample-interval` unless `interval` is a positive integer
 */
export function sampler(interval: number): Filter {
  if (!Number.isSafeInteger(interval) || interval < 1) {
    throw new ReplayError('sample-interval', `sample interval: expected a positive integer, found ${interval}`, { category: 'input' })
  }
  let seen = 0
  return {
    name: 'sample',
    select(batch: MessageBatch) {
      const space = batch.selectionSpace()
      let kept = 0
      for (let k = interval - (seen % interval) - 1; k < batch.length; k += interval) space[kept++] = batch.rowAt(k)
      seen += batch.length
      batch.select(kept)
    },
  }
}

/**
 * Passes the first `count` messages that reach it; then the run is over.
 * @throws ReplayError input `message-limit` unless `count` is a positive integer
 */
export function limiter(count: number): Filter {
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new ReplayError('message-limit', `limit: expected a positive integer, found ${count}`, { category: 'input' })
  }
  let left = count
  return {
    name: 'limit',
    get isOver() {
      return left === 0
    },
    select(batch: MessageBatch) {
      const passed = Math.min(left, batch.length)
      left -= passed
      let kept = 0
      batch.narrow(() => kept++ < passed)
    },
  }
}

function low(value: bigint): number {
  return Number(BigInt.asUintN(32, value))
}

function high(value: bigint): number {
  return Number(BigInt.asUintN(32, value >> 32n))
}
