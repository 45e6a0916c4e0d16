import { ReplayError } from './errors.ts'

/**
 * What `create` of a job gave, if it is handlers: plain JavaScript has no types that say so.
 * @throws ReplayError input `job-handlers`
 */
export function requireHandlers<H extends object>(job: string, given: H, names: readonly (keyof H & string)[]): H {
  if (typeof given !== 'object' || given === null || isPromise(given)) throw unfit(job, 'create', 'an object of handlers', given)
  for (const name of names) {
    const handler: unknown = given[name]
    if (handler !== undefined && typeof handler !== 'function') throw unfit(job, `create: ${name}`, 'a function', handler)
  }
  return given
}

/**
 * What a handler gave back: anything but a promise, as what is done behind it is done when the market has gone on.
 * @throws ReplayError input `job-handlers`
 */
export function requireNoPromise(job: string, handler: string, given: unknown): void {
  if (typeof given === 'object' && given !== null && isPromise(given)) throw unfit(job, handler, 'nothing', given)
}

function isPromise(given: object): boolean {
  return typeof (given as { readonly then?: unknown }).then === 'function'
}

function unfit(job: string, what: string, expected: string, found: unknown): ReplayError {
  const isLate = typeof found === 'object' && found !== null && isPromise(found)
  const shown = isLate ? 'a promise: a job is not asynchronous' : (JSON.stringify(found) ?? String(found))
  return new ReplayError('job-handlers', `job ${job}: ${what}: expected ${expected}, found ${shown}`, { category: 'input' })
}
