import { ReplayError } from './errors.ts'
import { nearest } from './nearest-word.ts'

/** Every key of some options: to be written out in full, so that the compiler sees when one is missing. */
export type KnownOptions<Options> = { readonly [Key in keyof Required<Options>]: true }

/**
 * Refuses options that there are not: in JavaScript, and behind a cast, a key that is misspelt would say nothing and do nothing.
 * @param taker what they are given to, e.g. `runJob`
 * @throws ReplayError input `unknown-option` with the nearest that there is
 */
export function requireOptions<Options extends object>(taker: string, options: Options, known: KnownOptions<Options>): void {
  const unknown = unknownKey(options, known)
  if (unknown === null) return
  const advice = unknown.near === null ? '.' : `, did you mean ${unknown.near}?`
  const text = `${taker} has no option ${JSON.stringify(unknown.key)}${advice} It takes ${Object.keys(known).join(', ')}`
  throw new ReplayError('unknown-option', text, { category: 'input' })
}

/** The first key that is none of those known, and the nearest that is; null: there is none. */
export function unknownKey(options: object, known: object): { readonly key: string; readonly near: string | null } | null {
  const key = Object.keys(options).find((name) => !Object.hasOwn(known, name))
  return key === undefined ? null : { key, near: nearest(key, Object.keys(known)) }
}
