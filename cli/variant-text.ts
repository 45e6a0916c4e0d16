import type { ParamValue } from '../core/job/job-definition.ts'
import type { OtherCode } from '../core/plan/table/variant-codes.ts'
import { commandText, countText } from './output.ts'

/** That rows of a table are of several codes, or null. */
export function olderCodeText(other: OtherCode | null, tableUri: string): string | null {
  if (other === null) return null
  const which = other.older === 1 ? 'variant has' : 'variants have'
  return `${countText(other.older)} of the ${countText(other.variants)} live ${which} rows of other code than run ${other.run}, the newest (job or engine changed since); ${commandText(['chronicle-replay', 'variants', tableUri])} lists them, run --all-variants makes them anew`
}

/** Parameters as `--param` takes them: `depth=5 every=1m`. */
export function paramsText(params: Readonly<Record<string, ParamValue>>): string {
  return Object.entries(params)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')
}
