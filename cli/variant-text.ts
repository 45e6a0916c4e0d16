import { type LiveVariant, newestCode, ofOtherCode } from '../core/plan/table/variant-codes.ts'
import { commandText, countText } from './output.ts'

/** That rows of a table are of several codes, or null. */
export function olderCodeText(variants: readonly LiveVariant[], tableUri: string): string | null {
  const newest = newestCode(variants)
  const older = newest === null ? 0 : ofOtherCode(variants, newest).length
  if (older === 0) return null
  const which = older === 1 ? 'variant has' : 'variants have'
  return `${countText(older)} of the ${countText(variants.length)} live ${which} rows of other code than run ${newest!.run}, the newest (job or engine changed since); ${commandText(['chronicle-replay', 'variants', tableUri])} lists them, run --all-variants makes them anew`
}

/** Parameters as `--param` takes them: `depth=5 every=1m`. */
export function paramsText(params: LiveVariant['params']): string {
  return Object.entries(params)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')
}
