import { ReplayError } from '../errors.ts'
import type { MessageBatch } from '../message/batch.ts'
import { type EngineMessage, placeOf } from './engine-message.ts'

export function marketMixed(expected: number, found: number, message: EngineMessage): ReplayError {
  const text = `features are of one market: the log begins with market ${expected}, then has ${found}; choose one (features --market, marketId of the library); jobs take logs of one market`
  return new ReplayError('market-mixed', text, { category: 'input', ...placeOf(message) })
}

export function timeTooLarge(batch: MessageBatch, row: number): ReplayError {
  const { path } = batch.originAt(row)
  const text = 'record time: expected at most 2^63 - 1 ns, which is what ts_ns, an i64, holds'
  return new ReplayError('u64-range', text, { category: 'input', path, seq: batch.at(row).seq })
}

export function damaged(code: string, text: string, message: EngineMessage): ReplayError {
  return new ReplayError(code, text, { category: 'corrupt', ...placeOf(message) })
}
