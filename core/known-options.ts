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
  for (const key of Object.keys(options)) {
    if (Object.hasOwn(known, key)) continue
    const names = Object.keys(known)
    const near = nearest(key, names)
    const advice = near === null ? '.' : `, did you mean ${near}?`
    throw new ReplayError('unknown-option', `${taker} has no option ${JSON.stringify(key)}${advice} It takes ${names.join(', ')}`, {
      category: 'input',
    })
  }
}
