import { ReplayError } from '../errors.ts'

/** Of an order that cannot be sent as it was given. @returns ReplayError input `code` */
export function orderRefusal(code: string, what: string, expected: string, found: unknown): ReplayError {
  const shown = typeof found === 'string' ? JSON.stringify(found) : String(found)
  return new ReplayError(code, `order: ${what}: expected ${expected}, found ${shown}`, { category: 'input' })
}
