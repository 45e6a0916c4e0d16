import { ReplayError } from '../errors.ts'
import { shownValue } from '../shown-value.ts'

/** Of an order that cannot be sent as it was given. @returns ReplayError input `code` */
export function orderRefusal(code: string, what: string, expected: string, found: unknown): ReplayError {
  return new ReplayError(code, `order: ${what}: expected ${expected}, found ${shownValue(found)}`, { category: 'input' })
}
