import { ReplayError } from '../../errors.ts'
import { nearest } from '../../nearest-word.ts'

/** Names that an error lists. */
const MAX_NAMES = 20

/**
 * The error of a venue or symbol that was asked for, of which there is no log.
 * @param names those that there are
 */
export function unknownName(what: 'venue' | 'symbol', name: string, names: readonly string[], path?: string): ReplayError {
  const near = nearest(name, names)
  const isThere = names.includes(name)
  const hint = near === null ? `there are: ${names.slice(0, MAX_NAMES).join(', ')}` : `did you mean ${near}?`
  const advice = isThere ? 'it has no log on the chosen venues' : hint
  const message = `no log of ${what} ${JSON.stringify(name)}; ${advice}`
  return new ReplayError(`${what}-unknown`, message, { category: 'input', ...(path !== undefined && { path }) })
}
